"""What a server that follows the protocol can learn of a site's rows: membership, told from the networks that it sees.

    python scripts/audits/federated.py sites='FOLDER/site-*.parquet' [federated.KEY=VALUE ...] [KEY=VALUE ...]

Trains over the sites and keeps what each sent in the last round. The server then scores rows by the logit of the site's
own discriminator less the mean of those of the other sites, and of rows of the site that were held out. Printed is the
AUC of training against held-out rows, with 95% from 1,000 draws: .5 is no better than a guess. Where discriminators
are not shared the server has none, and scores by the distance to the rows of the site's generator.
"""

import tempfile
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gans.cli.command import main_command
from gans.cli.federation import federation_keys, said_settings
from gans.cli.keys import Key, takes
from gans.cli.kinds import TEXT
from gans.config.compose import compose
from gans.data.layout import Encoded
from gans.federated.arrays import Arrays, with_arrays
from gans.federated.messages import TRAIN, arrays_in, import_flower, said_in
from gans.federated.run import federate
from gans.federated.settings import Federation
from gans.federated.site import Site
from gans.streams import per_example, stream

DRAWS, MADE = 1_000, 4_000


def logits(site: Site, arrays: Arrays, encoded: Encoded) -> np.ndarray:
    """Of rows, by the discriminator that a site sent, where no column is given."""
    gan = site.known.gan
    state = with_arrays(site.first, ("discriminator",), arrays)
    condition = gan.condition.codes(encoded)
    rest = gan.condition.rest(encoded)
    rows = len(encoded.scalars) // (gan.pack * gan.group) * gan.pack * gan.group
    wide = gan.layout.wide(jnp.asarray(rest.scalars[:rows]), jnp.asarray(rest.codes[:rows]))
    given = gan.condition.wide(jnp.asarray(condition[:rows]))
    keys = per_example(stream(jnp.uint32(0), jnp.int32(0), "attack"), rows // gan.pack)
    return np.asarray(gan.critic(state.discriminator, gan.packed(wide), gan.packed(given), keys))


def nearness(site: Site, arrays: Arrays, encoded: Encoded) -> np.ndarray:
    """Of rows, how near the nearest row is that the generator of a site makes."""
    gan, rows = site.known.gan, MADE
    state = with_arrays(site.first, ("generator", "statistics"), arrays)
    keys = per_example(stream(jnp.uint32(1), jnp.int32(0), "attack"), rows)
    condition = gan.condition.wide(jnp.zeros((rows, gan.condition.places), int))
    made, _ = gan.generate(jax.device_put(state.variables), condition, keys, False)
    rest = gan.condition.rest(encoded)
    wide = np.asarray(gan.layout.wide(jnp.asarray(rest.scalars), jnp.asarray(rest.codes)))
    from scipy.spatial import cKDTree

    return -cKDTree(np.asarray(made)).query(wide)[0]


def auc(members: np.ndarray, others: np.ndarray) -> tuple[float, float, float]:
    """Of scores of training and held-out rows, with the ends of its interval."""
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(0)

    def one(a: np.ndarray, b: np.ndarray) -> float:
        return float(roc_auc_score(np.repeat([1, 0], [len(a), len(b)]), np.concatenate([a, b])))

    drawn = [one(rng.choice(members, len(members)), rng.choice(others, len(others))) for _ in range(DRAWS)]
    return one(members, others), *np.quantile(drawn, [0.025, 0.975])


@takes(Key("sites", TEXT, required=True), *federation_keys(), others="as in gans train", text=__doc__)
def main(sites: str, others: list[str], **_: str) -> int:
    """Train, attack, print a line a site."""
    settings = said_settings()
    import_flower()
    from gans.federated.simulation import SimulatedGrid, simulated_sites

    sent: dict[str, Arrays] = {}
    grids: list[SimulatedGrid] = []

    class Curious(SimulatedGrid):
        """A grid whose server keeps what it sees."""

        def send_and_receive(self, messages: Any, *, timeout: float | None = None) -> Any:
            """The answers, those of training kept."""
            answers = list(super().send_and_receive(messages, timeout=timeout))
            for one in answers:
                if one.metadata.message_type == TRAIN:
                    sent[said_in(one)["site"]] = arrays_in(one)
            return answers

    def curious(run: Any) -> SimulatedGrid:
        grids.append(Curious(simulated_sites(run)))
        return grids[0]

    with tempfile.TemporaryDirectory() as folder:
        fixed = ["data=sites", f"data.files='{sites}'", f"run_dir={folder}/run", "tracker.mode=disabled"]
        run = compose([*others, *fixed])
        federate(run, Federation.of(settings), curious)
        every = list(grids[0].sites.values())
        for site in every:
            codec = site.known.saved.codec
            sides = [codec.encode(table, 0) for table in (site.training, site.holdout)]
            if any(path.startswith("discriminator/") for path in sent[site.name]):
                scores = [
                    logits(site, sent[site.name], rows)
                    - np.mean([logits(site, sent[other.name], rows) for other in every if other is not site], axis=0)
                    for rows in sides
                ]
            else:
                scores = [nearness(site, sent[site.name], rows) for rows in sides]
            value, low, high = auc(*scores)
            print(f"{site.name:<16} {len(scores[0]):>7,} rows  AUC {value:.3f} ({low:.3f} to {high:.3f})")
    return 0


if __name__ == "__main__":
    main_command(main.run)

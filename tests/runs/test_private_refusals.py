"""What a private run cannot do is refused in one line, and nothing is left."""

from pathlib import Path

import pytest

from gans.config.compose import compose
from gans.errors import UserError
from gans.runs.execute import execute


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["privacy.epsilon=0"], "privacy.epsilon=0"),
        (["privacy.epsilon=-1"], "privacy.epsilon=-1"),
        (["privacy.epsilon=lots"], "privacy.epsilon: Value 'lots' of type"),
        (["privacy.delta=0"], "privacy.delta=0"),
        (["privacy.budget=3"], "privacy.budget"),
        (["privacy.delta=1"], "privacy.delta=1"),
        (["privacy.rounds=0"], "privacy.rounds=0"),
        (["privacy.single=1"], "privacy.single=1"),
        (["privacy.iterations=0"], "privacy.iterations=0"),
        (["refine=boosted"], "refine=boosted: privacy=marginals does not support it: it is learned from the training"),
        (["condition=subsets"], "condition=subsets: network=product_mixture takes none"),
        (["network=mlp"], "network=mlp: privacy=marginals trains product_mixture"),
        (["data.relations=[income -> age]"], "data.relations=.* relations are found in the rows; they are off"),
        (["data.limit=100"], "data.limit=100: .* depends on how many there are"),
        (["data.merge_rare=true"], "data.merge_rare=True: .* declare other=NAME"),
        (["trainer.seeds=3"], "trainer.seeds=3: .* each seed would ask the rows anew"),
        (["trainer.resume=true"], "trainer.resume=True: .* has spent its budget"),
        (["privacy.domain=nowhere.yaml"], "privacy.domain=nowhere.yaml: no such file"),
        (["privacy.domain=adult.csv"], "privacy.domain=adult.csv: a .yaml file, or one of adult, charity"),
        (["privacy.domain=adult"], "column 'workclass' is declared and not in the table"),
        (["data=loans"], "privacy.domain is not set, and none is shipped for data=loans .there are adult, charity"),
        (["data.drop=[income]"], "column 'income' is declared and not in the table"),
        (["data.drop=[salary]"], "data.drop: column 'salary' is not in the table"),
    ],
)
def test_bad_inputs_are_refused_and_leave_nothing(overrides: list[str], said: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=said):
        execute(compose(["+experiment=dp_marginals", f"run_dir={tmp_path / 'run'}", *overrides]), show=False)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["objective=relativistic_pairing"], "objective=relativistic_pairing: privacy=dp trains with non_saturating"),
        (["privacy.rate=half"], "privacy.rate: Value 'half'"),
        (["penalty=[r1]"], "penalty=r1: privacy=dp does not support it: it looks at rows outside the ledger"),
        (["term=[moments]"], "term=moments: privacy=dp does not support it: it looks at rows outside the ledger"),
        (["condition=labels", "condition.columns=[gender]"], "condition=labels: privacy=dp does not support it"),
        (["condition=subsets"], "condition=subsets: privacy=dp does not support it"),
        (["network.pack=2"], "network.pack=2: .* a row would affect the loss of others"),
        (["network.group=2"], "network.group=2: .* a row would affect the loss of others"),
        (["network.spectral_norm=true"], "network.spectral_norm=True: .* clipped"),
        (["trainer.precision=bfloat16"], "trainer.precision=bfloat16: .* norms need it"),
        (["trainer.accumulate=2"], "trainer.accumulate=2: .* one batch"),
        (["trainer.generator_steps=2"], "trainer.generator_steps=2: .* once"),
        (["privacy.rate=0"], "privacy.rate=0"),
        (["privacy.rate=1.5"], "privacy.rate=1.5"),
        (["privacy.clip=0"], "privacy.clip=0"),
        (["privacy.single=0"], "privacy.single=0"),
        (["privacy.matching=-1"], "privacy.matching=-1"),
        (["refine=boosted"], "refine=boosted: privacy=dp does not support it"),
        (["trainer.resume=true"], "trainer.resume=True: .* has spent its budget"),
        (["privacy=pate", "privacy.teachers=1"], "privacy.teachers=1"),
        (["privacy=pate", "privacy.votes=0"], "privacy.votes=0"),
        (["privacy=pate", "objective=hinge"], "objective=hinge: privacy=pate trains with non_saturating"),
    ],
)
def test_bad_inputs_of_a_private_gan_are_refused_too(overrides: list[str], said: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=said):
        execute(compose(["+experiment=dp_gan", f"run_dir={tmp_path / 'run'}", *overrides]), show=False)
    assert not (tmp_path / "run").exists()

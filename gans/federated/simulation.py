"""Sites of one machine, that train side by side as an axis of one compiled program."""

import dataclasses
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

import jax
import numpy as np
from flwr.app import Message
from flwr.serverapp import Grid
from flwr.supercore.task_identity import TaskIdentity

from gans.config.run import Run
from gans.data.sites import Sites
from gans.federated.messages import TRAIN, answer, arrays_in, content, said_in, trained
from gans.federated.site import Site, attempt
from gans.training.loop import make_block
from gans.training.step import Rows, TrainState

SPREAD = 4  # times the rows of the largest site, so that rows of a site hardly differ in how often they come


class SimulatedGrid(Grid):
    """What Flower calls a grid: messages go to sites of this process, and answers come back.

    A site that fails answers so; `absent` names sites that do not answer at all.
    """

    def __init__(self, sites: list[Site]) -> None:
        self.sites = dict(enumerate(sites, 1))
        TaskIdentity.task_id = TaskIdentity.run_id = TaskIdentity.node_id = 0  # messages have it of their process
        self.absent: set[str] = set()
        self.waiting: dict[str, Message] = {}

    def set_run(self, run: Any) -> None:
        """There is one."""

    @property
    def run(self) -> Any:
        """None of Flower's."""
        return None

    def create_message(
        self, content: Any, message_type: str, dst_node_id: int, group_id: str, ttl: Any = None
    ) -> Message:
        """A message to a site."""
        return Message(content, dst_node_id, message_type, ttl=ttl, group_id=group_id)

    def get_node_ids(self) -> Iterable[int]:
        """The sites that are there."""
        return [number for number, site in self.sites.items() if site.name not in self.absent]

    def push_messages(self, messages: Iterable[Message]) -> Iterable[str]:
        """Have them answered."""
        answers = {str(place): one for place, one in enumerate(self.send_and_receive(messages), len(self.waiting))}
        self.waiting |= answers
        return list(answers)

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        """The answers."""
        return [self.waiting.pop(one) for one in message_ids if one in self.waiting]

    def send_and_receive(self, messages: Iterable[Message], *, timeout: float | None = None) -> Iterable[Message]:
        """The answers of the sites that are there."""
        sent = [one for one in messages if self.sites[one.metadata.dst_node_id].name not in self.absent]
        if sent and sent[0].metadata.message_type == TRAIN and not self._joined.known.private:
            return self._train(sent)
        return [answer(self.sites[one.metadata.dst_node_id], one) for one in sent]

    def _train(self, messages: list[Message]) -> list[Message]:
        """All sites by one program; one whose rows or state do not fit answers so, and its place trains for nothing."""
        number = int(said_in(messages[0])["round"])
        asked = {one.metadata.dst_node_id: one for one in messages}
        states, failed = {}, {}
        idle = self._joined.first  # of a site that does not train
        for place, site in self.sites.items():
            if place not in asked:
                states[place] = idle
                continue
            arrays = arrays_in(asked[place])
            state, reason = attempt(site.name, lambda site=site, arrays=arrays: site.begin_round(number, arrays))
            states[place] = idle if reason else state
            if reason:
                failed[place] = reason
        steps = self._joined.known.federation.local_steps
        out = []
        for (place, site), own in zip(self.sites.items(), self.steps(list(states.values()), steps), strict=True):
            if place not in asked:
                continue
            found = content(error=failed[place]) if place in failed else trained(site, number, *own)
            found.config_records["said"]["site"] = site.name
            out.append(Message(found, reply_to=asked[place]))
        return out

    def steps(self, states: list[TrainState], count: int) -> list[tuple[TrainState, dict[str, Any]]]:
        """The states of all sites after so many steps, and the means of their metrics."""
        stacked = jax.device_get(self.program(_stacked(states), self.rows, np.int32(count)))
        return [jax.tree.map(lambda leaf, place=place: leaf[place], stacked) for place in range(len(states))]

    @cached_property
    def program(self) -> Any:
        """Steps of all sites: (states [sites, ...], rows [sites, ...], steps)."""
        gan = self._joined.known.gan
        return jax.jit(jax.vmap(make_block(gan), in_axes=(0, 0, None)), donate_argnums=0)

    @cached_property
    def rows(self) -> Rows:
        """The rows of all sites [sites, rows, ...] on the device, those of smaller sites several times."""
        here = [site if site.agreed else self._joined for site in self.sites.values()]
        sizes = {site.training.num_rows for site in here}
        length = None if len(sizes) == 1 else SPREAD * max(sizes)
        return jax.device_put(_stacked([site.rows(length) for site in here]))

    @property
    def _joined(self) -> Site:
        """The first site that takes part."""
        return next(site for site in self.sites.values() if site.agreed)


def _stacked(trees: list[Any]) -> Any:
    return jax.tree.map(lambda *leaves: np.stack(leaves), *trees)


def simulated_sites(run: Run) -> list[Site]:
    """The sites of the files that a run names, each with a folder of its own in the run directory.

    Raises:
        UserError: there are none.
    """
    assert isinstance(run.data, Sites)
    folder = Path(run.run_dir or "").expanduser() / "sites"
    trainer = dataclasses.replace(run.trainer, resume=False)  # that is the server's
    return [
        Site(name, dataclasses.replace(run, data=source, trainer=trainer), folder / name, explains=True)
        for name, source in run.data.sites().items()
    ]

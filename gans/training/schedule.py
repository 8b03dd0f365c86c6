"""How long a run trains, and when the host looks up."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """The rhythm of the loop.

    Attributes:
        steps: of the whole run.
        seeds: that train at once, vmapped.
        block: steps between two looks of the host.
        evaluate_every: steps between scores.
        checkpoint_every: steps between checkpoints.
        best: the score by which the best generator is kept.
        direction: 1 where a larger score is better, -1 where a smaller one is, 0 where the last generator is kept.
        patience: scores without a better one after which training stops; None to train all steps.
        resume: go on from the newest checkpoint.
        placement: jit, sharded or pmap.
        snapshots: evenly over the run, the first at step 0; one alone at the last step.
    """

    steps: int
    seeds: int = 1
    block: int = 100
    evaluate_every: int = 500
    checkpoint_every: int = 1_000
    best: str = "score"
    direction: int = 1
    patience: int | None = None
    resume: bool = False
    placement: str = "jit"
    snapshots: int = 0

    def next_look(self, step: int, window: int) -> int:
        """The step at which the host looks up after this one, or a window of so many steps ends."""
        every = (self.evaluate_every, self.checkpoint_every, window)
        looks = [step + rhythm - step % rhythm for rhythm in every]
        looks += [due for due in self.snapshot_steps if due > step]
        return min(self.steps, step + self.block, *looks)

    def evaluates(self, step: int) -> bool:
        """Whether generators are scored at this step."""
        return step % self.evaluate_every == 0 or step == self.steps

    @property
    def snapshot_steps(self) -> list[int]:
        """The steps of the snapshots, ascending."""
        if self.snapshots < 2:
            return [self.steps] * self.snapshots
        return sorted({self.steps * number // (self.snapshots - 1) for number in range(self.snapshots)})

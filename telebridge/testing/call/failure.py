"""What a test says when a call went otherwise."""

from typing_extensions import override


class CallFailure(AssertionError):
    """An expectation about a call was not met.

    Args:
        expectation: What was expected, such as 'hears "billing"'.
        problem: Why it was not met.
        nearest: What came nearest; empty when nothing did.
        timeline: The call as text.

    Attributes:
        where: The place in a scenario file; empty in a Python test.
    """

    def __init__(self, expectation: str, problem: str, *, nearest: str = "", timeline: str = "") -> None:
        super().__init__(expectation, problem)
        self.expectation = expectation
        self.problem = problem
        self.nearest = nearest
        self.timeline = timeline
        self.where = ""

    @property
    def headline(self) -> str:
        """The failure in one line."""
        where = f"{self.where}  " if self.where else ""
        return f"{where}{self.expectation}: {self.problem}"

    @override
    def __str__(self) -> str:
        nearest = f"\nnearest: {self.nearest}" if self.nearest else ""
        timeline = f"\n\n{self.timeline}" if self.timeline else ""
        return f"{self.headline}{nearest}{timeline}"

"""What was asked for, kept in the journal, so that a run that was killed can be gone on with."""

from __future__ import annotations

from pathlib import Path

import msgspec

from lane_planner.base.errors import EnvironmentFailure, UsageError
from lane_planner.base.git import Git
from lane_planner.executor.apply import ApplyOptions
from lane_planner.executor.publishing import PullRequests
from lane_planner.executor.records.journal import Run
from lane_planner.executor.storage.files import write_atomically
from lane_planner.executor.storage.places import plan_path


class Order(msgspec.Struct, frozen=True):
    """A plan to carry out, or a branch that is to have a pull request once it is made.

    Attributes:
        plan: its id; `kept_plan` has it. "": there is none, and only the pull request can be gone
            on with.
        options: how it is to be carried out.
    """

    plan: str
    options: ApplyOptions


def keep_order(git: Git, plan_id: str, content: bytes, options: ApplyOptions) -> str:
    """Keep a plan beside the journal, and return the order for it.

    Args:
        git: the repository.
        plan_id: the plan's id.
        content: the plan as JSON.
        options: how it is to be carried out.

    Raises:
        EnvironmentFailure: it cannot be written.
    """
    path = plan_path(git, plan_id)
    if not path.exists():
        write_atomically(path, content)
    return msgspec.json.encode(Order(plan_id, options)).decode("utf-8")


def order_to_publish(wanted: PullRequests) -> str:
    """Return the order for the pull request of a run that makes one branch."""
    order = Order("", ApplyOptions(pull_requests=wanted))
    return msgspec.json.encode(order).decode("utf-8")


def order_of(run: Run) -> Order:
    """Return what a run was asked for.

    Raises:
        UsageError: it is a run that cannot be gone on with.
        EnvironmentFailure: the journal does not say it so that it can be read.
    """
    if not run.begun.order:
        raise UsageError(f"run {run.id} cannot be gone on with: ask for the same again")
    try:
        return msgspec.json.decode(run.begun.order, type=Order)
    except msgspec.MsgspecError as error:
        raise EnvironmentFailure(
            f"the journal does not say what run {run.id} was to do ({error}): roll it back"
        ) from error


def kept_plan(git: Git, order: Order) -> tuple[bytes, Path]:
    """Return a plan that was kept, and where.

    Raises:
        EnvironmentFailure: it is gone.
    """
    path = plan_path(git, order.plan)
    try:
        return path.read_bytes(), path
    except OSError as error:
        raise EnvironmentFailure(f"cannot read {path}: {error.strerror or error}") from error

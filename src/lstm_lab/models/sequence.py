"""The LightningModule of all recurrent models: one front end, core and head, chosen by words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor, distributed, nn

from lstm_lab.batch import Batch
from lstm_lab.errors import UserError, check_at_least
from lstm_lab.models.carried import Carried
from lstm_lab.models.clipping import clip_each
from lstm_lab.models.losses import Losses
from lstm_lab.models.members import side_by_side
from lstm_lab.models.optim import build_optimizer, build_schedule
from lstm_lab.spec import Spec
from lstm_lab.tasks import Task, build_task
from lstm_lab.tasks.blueprint import Blueprint


class SequenceModel(pl.LightningModule):
    """A recurrent network for one task on one kind of sequence, ready for `lightning.Trainer`.

    Sizes come from the data's `Spec`; nothing is typed twice. All arguments are plain data and travel in the
    checkpoint, from which the model is rebuilt without data and without config.

    Args:
        spec: what the data promised, a `Spec` or its plain form.
        task: the task, or its plain form.
        statistics: numbers that the data fitted on its training part, as the task's net needs them.
        cell: one of `lstm_lab.nets.cell.CELLS`, or a cell of maps; None is the class's own.
        hidden_size: units of each layer, one number or one a layer.
        num_layers: stacked layers.
        bidirectional: whether windows are read from both ends.
        dropout: between layers.
        recurrent_dropout: on the recurrent state, one mask a sequence (Gal & Ghahramani 2016).
        activation: ``tanh`` or ``relu``.
        init: ``orthogonal``, ``gaussian`` or ``torch``.
        forget_bias: of the LSTM's forget gate (Jozefowicz et al. 2015).
        locked: dropout has one mask for all steps of a sequence (Gal & Ghahramani 2016).
        weight_drop: dropout on the recurrent weights (Merity et al. 2018).
        zoneout: probability that a unit keeps what it remembered (Krueger et al. 2017).
        residual: the input of each layer but the first is added to its outputs.
        heads: into which the units of a layer are divided, in the cells that have them.
        frontend: what stands before the core, ``name`` and settings; None is the usual one for the kind of input.
        decoder: settings of what writes the target, for tasks whose target is a sequence of its own; None is the
            usual one.
        maps: settings of a net of maps, ``patch``, ``kernel`` and ``feedback``, for tasks whose target is frames.
        l1: weight of the L1 penalty.
        l2: weight of the L2 penalty.
        optim: name and settings of the optimiser and its schedule, as in ``conf/optim``.
        clip: bound on the gradient norm of each member, 0 for none.
        ensemble: networks with initial weights of their own that share the batches and are averaged.
        max_steps: optimiser steps that the learning-rate schedule spans.
        steps_per_execution: optimiser steps in one Trainer step at the most. More than one needs 32-bit precision, no
            accumulation, and a loader that yields lists of batches.
        seed: decides the initial weights; None takes torch's global generator as it is.

    Raises:
        UserError: for a size that no network can have, or a pair of options that does not fit.
    """

    default_cell = "lstm"
    weights: Tensor

    def __init__(
        self,
        spec: Spec | dict[str, Any],
        task: Task | dict[str, Any] | None = None,
        statistics: dict[str, Any] | None = None,
        cell: str | None = None,
        hidden_size: int | Sequence[int] = 32,
        num_layers: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        activation: str = "tanh",
        init: str = "orthogonal",
        forget_bias: float = 1.0,
        locked: bool = False,
        weight_drop: float = 0.0,
        zoneout: float = 0.0,
        residual: bool = False,
        heads: int = 1,
        frontend: dict[str, Any] | None = None,
        decoder: dict[str, Any] | None = None,
        maps: dict[str, Any] | None = None,
        l1: float = 0.0,
        l2: float = 0.0,
        optim: dict[str, Any] | None = None,
        clip: float = 1.0,
        ensemble: int = 1,
        max_steps: int = 1000,
        steps_per_execution: int = 1,
        seed: int | None = None,
    ) -> None:
        super().__init__()
        self.spec = Spec.from_plain(spec) if isinstance(spec, dict) else spec
        self.task = build_task(task, self.spec.target.kind)
        self.clip, self.l1, self.l2 = clip, l1, l2
        self.optim = optim or {"name": "adam"}
        self.max_steps, self.steps_per_execution = max_steps, steps_per_execution
        check_at_least("fit.clip", clip, 0)
        check_at_least("ensemble", ensemble, 1)
        core: dict[str, Any] = {
            "cell": cell or self.default_cell,
            "hidden_size": hidden_size if isinstance(hidden_size, int) else list(hidden_size),
            "num_layers": num_layers,
            "bidirectional": bidirectional,
            "dropout": dropout,
            "recurrent_dropout": recurrent_dropout,
            "activation": activation,
            "init": init,
            "forget_bias": forget_bias,
            "locked": locked,
            "weight_drop": weight_drop,
            "zoneout": zoneout,
            "residual": residual,
        }
        if heads != 1:
            core["heads"] = heads
        if decoder is not None:
            self._check_target("sentence", "model=seq2seq writes sentences")
            core["decoder"] = dict(decoder)
        if maps is not None:
            self._check_target("frames", f"{core['cell']} predicts frames")
            core["maps"] = dict(maps)
        with torch.random.fork_rng(devices=[]):
            members = []
            for number in range(ensemble):
                if seed is not None:
                    torch.manual_seed(seed * 1009 + number)
                blueprint = Blueprint(self.spec, core, statistics or {}, number, frontend)
                members.append(self.task.build_net(blueprint))
        self.members = nn.ModuleList(members)
        self.register_buffer("weights", torch.full((ensemble,), 1 / ensemble))
        self.automatic_optimization = steps_per_execution == 1
        # Called after each step of several that are taken in one go; True ends training there.
        self.after_step: Callable[[], bool] | None = None
        self._losses = Losses()
        # Set to a list, it takes the norm of each member's gradient before clipping; no device is asked for them.
        self.gradient_norms: list[Tensor] | None = None
        self._carried, self._carried_in_validation = Carried(ensemble), Carried(ensemble)
        self._validation: list[Any] = [0.0, 0.0]
        self._train_loss: Tensor | None = None
        plain: dict[str, Any] = {
            "spec": self.spec.to_plain(),
            "task": self.task.to_plain(),
            "statistics": statistics or {},
            **core,
            "frontend": frontend,
        }
        plain |= {
            "l1": l1,
            "l2": l2,
            "optim": dict(self.optim),
            "clip": clip,
            "ensemble": ensemble,
            "seed": seed,
        }
        plain |= {"max_steps": max_steps, "steps_per_execution": steps_per_execution}
        # Plain data only, set at once: frames are not inspected, and the checkpoint loads with weights_only.
        self._set_hparams(plain)
        self._hparams_initial = dict(plain)

    def _check_target(self, kind: str, what: str) -> None:
        if self.spec.target.kind != kind:
            raise UserError(
                f"{what}; the target of this data is {self.spec.target.kind}. Allowed for it: model=lstm, gru, rnn, …"
            )

    # -- using it -------------------------------------------------------------------------------------------

    def forward(self, batch: Batch, steps: int | None = None) -> dict[str, Tensor]:
        """Returns the task's predictions in the user's units, the members combined; see `Task.predict`."""
        return self.task.predict(list(self.members), self.weights, batch, steps)

    # -- training -------------------------------------------------------------------------------------------

    def training_step(self, batches: Batch | Sequence[Batch], batch_idx: int) -> Tensor | None:
        """One optimiser step a batch: Lightning's own for a single one, else all of a list in one go."""
        batches = [batches] if isinstance(batches, Batch) else batches
        if self.automatic_optimization:
            if len(batches) != 1:
                raise UserError("A loader that yields several batches at once needs steps_per_execution > 1.")
            loss, penalty = self.loss(batches[0])
            loss = loss * self._share(batches[0])
            self._losses.add(loss)
            return loss + penalty
        optimizer, schedule = self._optimizer, self._schedule
        progress = self.trainer.fit_loop.epoch_loop.manual_optimization.optim_step_progress
        if self.trainer.max_steps >= 0:  # the Trainer looks at it between calls only
            batches = batches[: self.trainer.max_steps - progress.total.completed]
        apart = not (self.task.carries or self.l1 or self.l2)
        with side_by_side(self.task, list(self.members), apart) as together:
            for batch in batches:
                optimizer.zero_grad(set_to_none=True)
                taken = together(batch)
                if taken is None:
                    loss, penalty = self.loss(batch)
                    (loss + penalty if self.l1 or self.l2 else loss).backward()
                else:
                    loss = taken
                self._clip()
                optimizer.step()
                schedule.step()
                self._losses.add(loss)
                # Lightning counts calls of its own wrapper, which costs as much as a small step; we count for it.
                for counter in (progress.total, progress.current):
                    counter.ready += 1
                    counter.completed += 1
                if self.after_step is not None and self.after_step():
                    break
        return None

    def loss(self, batch: Batch) -> tuple[Tensor, Tensor | float]:
        """Returns the sum of the members' losses, and the penalty on the weights; streams are carried on."""
        if self.task.carries:
            pairs = [
                self.task.onward(member, batch, state)
                for member, state in zip(self.members, self._carried.enter(batch), strict=True)
            ]
            losses = [loss for loss, _ in pairs]
            self._carried.leave([state for _, state in pairs])
        else:
            losses = [self.task.loss(member, batch) for member in self.members]
        loss = losses[0] if len(losses) == 1 else torch.stack(losses).sum()
        penalty: Tensor | float = 0.0
        if self.l1:
            penalty = penalty + self.l1 * sum(weight.abs().sum() for weight in self._weights())
        if self.l2:
            penalty = penalty + self.l2 * sum(weight.square().sum() for weight in self._weights())
        return loss, penalty

    def _share(self, batch: Batch) -> Tensor | float:
        """By how much this process's mean loss counts, so that the mean over processes is that of the global batch.

        The last batch of a pass need not be divisible: its shards differ by one sample.
        """
        world = self.trainer.world_size
        if world == 1:
            return 1.0
        count = self.task.weight(batch).to(self.device, torch.float)
        total = count.clone()
        distributed.all_reduce(total)
        return count * world / total

    def _weights(self) -> list[Tensor]:
        return [weight for weight in self.members.parameters() if weight.ndim > 1]

    def _clip(self) -> None:
        if self.clip or self.gradient_norms is not None:
            norms = clip_each(self.members, self.clip)  # so that a member equals its separate training
            if self.gradient_norms is not None:
                self.gradient_norms.extend(norms)

    def configure_gradient_clipping(
        self, optimizer: Any, gradient_clip_val: Any = None, gradient_clip_algorithm: Any = None
    ) -> None:
        """Clips each member by `clip`, also under a stock Trainer."""
        self._clip()

    def on_train_epoch_end(self) -> None:
        """Logs the mean loss where no validation has done it."""
        if self._losses:
            self.log_dict({"train/loss": self._mean_loss(), "step": float(self.trainer.global_step)})

    def _mean_loss(self) -> Tensor:
        """The mean loss of a member since the last time."""
        return self._losses.mean(self.trainer.world_size) / len(self.members)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Accumulates the monitored loss over real targets."""
        nets = list(self.members)
        if self.task.carries:
            states = self._carried_in_validation.enter(batch)
            total, count, states = self.task.error_onward(nets, self.weights, batch, states)
            self._carried_in_validation.leave(states)
        else:
            total, count = self.task.error(self.task.predict(nets, self.weights, batch), batch)
        self._validation = [self._validation[0] + total, self._validation[1] + count]

    def on_validation_epoch_start(self) -> None:
        """Closes the sum of training losses, so that diverged weights are never validated, and starts the sums anew."""
        self._train_loss = self._mean_loss() if self._losses else None
        self._validation = [0.0, 0.0]
        self._carried_in_validation.clear()

    def validation_results(self) -> dict[str, Tensor]:
        """Returns the task's metric over the batches since `on_validation_epoch_start`, and the training loss."""
        total, count = self._validation
        trained = {} if self._train_loss is None else {"train/loss": self._train_loss}
        return {**trained, self.task.metric: total / count}

    def on_validation_epoch_end(self) -> None:
        """Logs the results at the optimiser step, which is not the Trainer step that Lightning would take."""
        self.log_dict({**self.validation_results(), "step": float(self.trainer.global_step)})

    # -- resuming -------------------------------------------------------------------------------------------

    def carried_state(self) -> list[Any]:
        """The state that training carries along a stream; each process has its own."""
        return self._carried.to_plain()

    def carry_on(self, states: Sequence[Any]) -> None:
        """Goes on from what `carried_state` gave."""
        self._carried.load(states, self.device)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Adds the losses that have not been logged yet."""
        checkpoint.update(self._losses.to_plain())

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Goes on where `on_save_checkpoint` was called."""
        self._losses.load(checkpoint, self.device)

    # -- optimiser ------------------------------------------------------------------------------------------

    def configure_optimizers(self) -> Any:
        """Builds the optimiser and its schedule by step."""
        fused = self.trainer.precision in ("32-true", "32", None)
        self._optimizer = build_optimizer(self.parameters(), self.optim, fused)
        self._schedule = build_schedule(self._optimizer, self.optim, self.max_steps)
        return {
            "optimizer": self._optimizer,
            "lr_scheduler": {"scheduler": self._schedule, "interval": "step"},
        }

"""The optimiser behind its walls: Optuna's estimator, asked for points and told of their scores, a line each.

It knows no strategy and no parameter's name. A range of steps or of choices is the whole numbers from 0 on to it, a
logarithmic range the numbers from one end to the other.

    {"type":"begin","seed":1,"start_up":10,"parameters":[{"kind":"steps","count":10},{"kind":"choice","count":2},
     {"kind":"log","from":0.001,"to":1}]}             {"type":"ready","optuna":"…"}
    {"type":"ask","number":0}                         {"type":"point","number":0,"values":[3,1,0.02]}
    {"type":"tell","number":0,"value":1.25}           nothing; the value is null where a run failed
"""

import json
import sys
import warnings
from typing import Any, Dict, List

warnings.simplefilter("ignore")

import optuna  # noqa: E402
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution  # noqa: E402
from optuna.trial import Trial, TrialState  # noqa: E402

optuna.logging.set_verbosity(optuna.logging.ERROR)


def distribution(parameter: Dict[str, Any]) -> Any:
    if parameter["kind"] == "log":
        return FloatDistribution(float(parameter["from"]), float(parameter["to"]), log=True)
    if parameter["kind"] == "choice":
        return CategoricalDistribution(list(range(parameter["count"])))
    return IntDistribution(0, parameter["count"] - 1)


class Study:
    """One study and the points that it has named."""

    def __init__(self, begin: Dict[str, Any]) -> None:
        # Points that run are taken for bad ones, so that those beside them are sought elsewhere.
        sampler = optuna.samplers.TPESampler(
            seed=begin["seed"], n_startup_trials=begin["start_up"], multivariate=True, constant_liar=True)
        self.study = optuna.create_study(direction="maximize", sampler=sampler)
        self.space = {str(i): distribution(each) for i, each in enumerate(begin["parameters"])}
        self.trials: List[Trial] = []

    def ask(self) -> List[Any]:
        trial = self.study.ask(self.space)
        self.trials.append(trial)
        return [trial.params[name] for name in self.space]

    def tell(self, number: int, value: Any) -> None:
        if value is None:
            self.study.tell(self.trials[number], state=TrialState.FAIL)
        else:
            self.study.tell(self.trials[number], float(value))


def main() -> None:
    study = None
    for line in sys.stdin:
        message = json.loads(line)
        if message["type"] == "begin":
            study = Study(message)
            answer: Dict[str, Any] = {"type": "ready", "optuna": optuna.__version__}
        elif message["type"] == "ask":
            assert study is not None
            answer = {"type": "point", "number": message["number"], "values": study.ask()}
        else:
            assert study is not None
            study.tell(message["number"], message["value"])
            continue
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


main()

"""Run a DAG of the example by `dag.test()`, in Airflow's virtualenv: `run_dag.py FILE DAG MARK-AS-SUCCESS`."""

import json
import runpy
import sys


def main() -> None:
    """Print the state of the run and of each task, as JSON in the last line."""
    file, dag, marked = sys.argv[1:]
    run = runpy.run_path(file)[dag]().test(mark_success_pattern=marked)
    states = {f"{one.task_id}[{one.map_index}]": str(one.state) for one in run.get_task_instances()}
    print(json.dumps({"state": str(run.state), "tasks": states}))


if __name__ == "__main__":
    main()

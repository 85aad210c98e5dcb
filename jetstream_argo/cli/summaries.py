"""The line about each command in `--help`, from the first sentence of its own help, so that none has to be loaded."""

from collections.abc import Mapping

SUMMARIES: Mapping[str, str] = {
    "load": "Put FILE... into TABLE (dataset.table) of the embedded warehouse.",
    "tables": "List the tables of a warehouse, with their columns, dates and rows.",
    "init": "Draft a configuration from tables that are there, with comments.",
    "plan": "Say what is due for EXPERIMENT and how it would be computed.",
    "explain": "Say of METRIC of EXPERIMENT what it is, how it is split, by which SQL it is read, and what is estimated of it.",  # noqa: E501
    "graph": "Print the workflow of EXPERIMENT as a Mermaid flowchart.",
    "validate": "Check every SQL statement of EXPERIMENT without running one, and say of each metric what is wrong.",
    "run": "Compute everything that is due, here.",
    "task": "Do one node of a plan.",
    "list": "List the experiments that have results in a warehouse, those that were worked at last first.",
    "results": "Print the latest estimates of EXPERIMENT, a slug.",
    "report": "Write the results of EXPERIMENT, a slug, as a page: one HTML file without scripts, which needs no network.",  # noqa: E501
    "compare": "Compare the latest estimates of EXPERIMENT, a slug, with those of the existing system in a dataset of its own.",  # noqa: E501
    "status": "Say what was computed for EXPERIMENT, a slug, and what failed and why; with --plan also what is missing.",  # noqa: E501
    "costs": "Say what each EXPERIMENT, a slug, has cost, or all have, the dearest first, and which source most of it was for.",  # noqa: E501
    "delete": "Delete all tables and views of EXPERIMENT, a slug or what `plan` takes; no others, whatever they are called.",  # noqa: E501
    "shred": "Remove units from every table of EXPERIMENT, a slug, and say which results are older than that.",
    "retire": "Remove the rows of units of EXPERIMENT, a slug, that is over: partials, values and their views.",
    "restate": "Read dates of a source of EXPERIMENT again, whatever their state, into all that was read of them before.",  # noqa: E501
    "check": "Compare every record of EXPERIMENT, a slug, with what there is: what is missing, damaged or left over.",
    "size": "Say which effects EXPERIMENT could find, with how many units in how many weeks, with and without covariate.",  # noqa: E501
    "synthesize": "Make up the tables that EXPERIMENT reads, in the embedded warehouse.",
    "demo": "Analyse an experiment on made-up telemetry, and compare the estimates with the true effects.",
    "workflow": "Print the Argo Workflow of EXPERIMENT, for `argo submit`.",
    "submit": "Create the Workflow of EXPERIMENT in the cluster, unless it is there already.",
    "submit-due": "Create the Workflow of every live experiment.",
    "shared-scan": "Read the new dates of sources once for all live experiments, which copy from it what they need.",
    "watch": "Show the Workflow NAME until it ends; without NAME, list those that are in the cluster.",
    "retry": "Run what failed in the Workflow NAME again, and what waited for it; nothing else runs.",
    "doctor": "Check warehouse, definitions and cluster, and say in a line each what is wrong and what to do.",
    "completion": "Print what makes SHELL (bash, zsh or fish) complete the commands and options of jetstream-argo.",
}

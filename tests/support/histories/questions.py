"""All queries about a history: every list and document of the API that shows jobs, runs, batches or domains."""

from tests.support.histories.detail_questions import BatchQuestions, RunQuestions
from tests.support.histories.learning import learn_domains, learn_entries
from tests.support.histories.limits import Limits
from tests.support.histories.list_questions import EntryQuestions, ListQuestions
from tests.support.histories.steps import History


def ask_all(history: History, limits: Limits) -> None:
    """Compare lists, then the reads of single runs, which may store scores, then the effects of these reads."""
    about_lists, about_runs, about_batches = ListQuestions(history), RunQuestions(history), BatchQuestions(history)
    learn_domains(history)
    about_lists.ask_jobs()
    about_lists.ask_runs()
    about_lists.ask_domains()
    about_lists.ask_tags()
    learn_entries(history)  # after the filters by message tag: a process must look up kinds that it has never read
    EntryQuestions(history, limits).ask_entries()
    about_batches.ask_batches()
    about_runs.ask_results()
    about_runs.ask_differences()
    about_batches.ask_differences()
    about_batches.ask_tag_values()
    about_lists.ask_all_runs_and_domains()

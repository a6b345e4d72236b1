"""The periodic analysis tasks: project runs, capture snapshots, reduce runs, and remove unused views and snapshots."""

from celery import Celery

from gonemaster_tasks import queues
from gonemaster_tasks.config.scoring import current_scoring
from gonemaster_tasks.config.view_files import file_storage
from gonemaster_tasks.maintenance.files import maintain_files
from gonemaster_tasks.maintenance.projection.columns import column_settings
from gonemaster_tasks.maintenance.reduction import reduce_due
from gonemaster_tasks.maintenance.snapshots import Projectors, capture_due, project_due, remove_discarded
from gonemaster_tasks.worker.execute.process import Process
from gonemaster_tasks.worker.upkeep.repeated_tasks import OneAtATime


def register_analysis(app: Celery, process: Process) -> None:
    """Register the tasks for a worker process."""
    projectors = Projectors()
    projecting, capturing = OneAtATime(queues.PROJECT), OneAtATime(queues.CAPTURE)

    def project_runs() -> None:
        floor, now, stopped = process.settings.analysis_tag_view_min_level, process.clock.now, process.stopping.is_set
        least, store, broker = process.settings.analysis_coverage, process.store, process.broker
        columns = column_settings(process.settings)
        project_due(store, broker, projectors, columns, floor=floor, now=now, stopped=stopped, coverage=least)

    def capture_snapshots() -> None:
        store, now, stopped = process.store, process.clock.now, process.stopping.is_set
        scoring = current_scoring(store, process.settings)
        limits = {
            "coverage": process.settings.analysis_coverage,
            "max_domains": process.settings.analytics_max_database_domains,
        }
        files = file_storage(process.settings)
        capture_due(store, process.broker, scoring=scoring, now=now, stopped=stopped, files=files, **limits)
        place = process.settings.analytics_location
        remove_discarded(store, now=now, stopped=stopped, place=place)
        maintain_files(store, process.broker, place, now=now, stopped=stopped)
        reduce_due(store, process.broker, stopped=stopped, coverage=process.settings.analysis_coverage)

    @app.task(name=queues.PROJECT, shared=False)
    def project() -> None:
        with process.store.background_limits():
            projecting.run(project_runs)

    @app.task(name=queues.CAPTURE, shared=False)
    def capture() -> None:
        with process.store.background_limits():
            capturing.run(capture_snapshots)

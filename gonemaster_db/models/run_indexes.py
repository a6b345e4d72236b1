"""Indexes of runs that serve the sorts of lists; an index also serves the exact reverse of its order."""

from sqlalchemy import Index

from gonemaster_db.models.runs import Run

_NEWEST = Run.finished_at.desc()

Index("ix_runs_sev_severe_sev_critical_finished_at", Run.sev_severe, Run.sev_critical, Run.finished_at)
Index("ix_runs_sev_critical_sev_severe_finished_at", Run.sev_critical, Run.sev_severe, Run.finished_at)
Index("ix_runs_entry_count_finished_at", Run.entry_count, Run.finished_at)
Index("ix_runs_entry_count_up", Run.entry_count, _NEWEST)
Index("ix_runs_worst_rank_up", Run.worst_rank, _NEWEST)
Index("ix_runs_score_up", Run.score, _NEWEST)
Index("ix_runs_score_down", Run.score.desc().nulls_last(), _NEWEST)
Index("ix_runs_duration_ms_up", Run.duration_ms, _NEWEST)
Index("ix_runs_duration_ms_down", Run.duration_ms.desc().nulls_last(), _NEWEST)
Index("ix_runs_batch_id_up", Run.batch_id.asc().nulls_first(), _NEWEST)
Index("ix_runs_batch_id_down", Run.batch_id.desc().nulls_last(), _NEWEST)

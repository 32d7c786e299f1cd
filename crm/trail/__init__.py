"""The trail: who changed which business data, when, from what to what, and in which request.

**Triggers, not hooks of models.** Imports, merges, the night and bulk edits of this product write with COPY, ``INSERT …
SELECT``, ``bulk_create`` and ``QuerySet.update``; what hears only ``save()`` (django-simple-history, django-auditlog) would
miss most of it. django-pghistory writes by triggers too, but keeps a table with a full copy of the row for each model,
has no chain, and its events can be edited. So the triggers are ours: one function for all tables (``triggers``), one log
(``crm_trailentry``), only the fields that changed.

- ``registry`` says what is watched: every table that is not exempt with a reason, so that a new model is watched from its
  first migration on. Columns that the night writes are exempt too; the history of grades is a record of its own.
- ``triggers`` puts triggers on the tables after every ``migrate``, and says what is not as it should be.
- ``signature`` tells the database who acts: ``set_config(…, is_local)`` travels in front of a write, in the same message, so
  it costs no statement and ends with the transaction. What comes without says ``database``.
- ``chain`` seals what was committed, once a minute and before every check, into links of a hash chain, and checks it.
- ``sealed`` reads values of people, which triggers write as ciphertext under a key of the person's own; ``persons`` exports
  and erases people.

**Growth.** The log is one table with indexes that end in time: an entry takes about 0.4 KB with its indexes. It is not
partitioned: a partition could be dropped, which is what the log must not allow.
"""

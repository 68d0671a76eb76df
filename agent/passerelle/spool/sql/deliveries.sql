-- name: lease
UPDATE delivery SET state = 'SENDING', attempts = attempts + 1, changed_at = :now
WHERE rowid = coalesce(
    (SELECT rowid FROM delivery
     WHERE destination = :destination AND state = 'PENDING' AND next_attempt_at <= :now
     ORDER BY next_attempt_at, rowid LIMIT 1),
    (SELECT rowid FROM delivery
     WHERE destination = :destination AND state = 'PENDING' AND next_attempt_at > :never
     ORDER BY next_attempt_at, rowid LIMIT 1))
RETURNING sop_instance_uid, destination, state, attempts, first_failed_at, failures, uncertain,
    1 AS intact

-- name: put_back
UPDATE delivery SET state = 'PENDING', attempts = attempts - 1, changed_at = :now
WHERE sop_instance_uid = :uid AND destination = :destination AND state = 'SENDING'

-- name: interrupted_there
UPDATE delivery SET state = 'UNKNOWN', uncertain = 1, changed_at = :now,
    reason = 'its courier ended while it was sent'
WHERE destination = :destination AND state = 'SENDING' AND state NOT IN ('COMMITTED', 'DISCARDED')

-- name: first_due
SELECT min(next_attempt_at) AS at FROM delivery WHERE destination = :destination AND state = 'PENDING'

-- name: last_due
SELECT max(next_attempt_at) AS at FROM delivery WHERE destination = :destination AND state = 'PENDING'

-- name: unknown
SELECT delivery.*, {intact:delivery} AS intact FROM delivery
WHERE destination = :destination AND state = 'UNKNOWN' AND state NOT IN ('COMMITTED', 'DISCARDED')
    AND (next_attempt_at IS NULL) = 0
ORDER BY created_at LIMIT :limit

-- name: delivery
SELECT delivery.*, {intact:delivery} AS intact FROM delivery
WHERE sop_instance_uid = :uid AND destination = :destination

-- name: stored
UPDATE delivery SET state = 'STORED', reason = :reason, uncertain = 0, stored_at = :now,
    changed_at = :now, transaction_uid = NULL
WHERE sop_instance_uid = :uid AND destination = :destination AND state = :was

-- name: found
UPDATE delivery SET state = 'STORED', stored_at = :now, changed_at = :now, transaction_uid = NULL
WHERE sop_instance_uid = :uid AND destination = :destination AND state = :was

-- name: again
UPDATE delivery SET state = 'PENDING', reason = :reason, changed_at = :now, transaction_uid = NULL,
    failures = failures + :blamed,
    first_failed_at = CASE WHEN :blamed THEN coalesce(first_failed_at, :now) ELSE first_failed_at END,
    next_attempt_at = CASE WHEN :blamed THEN :at ELSE min(:at, coalesce(next_attempt_at, :at)) END
WHERE sop_instance_uid = :uid AND destination = :destination AND state = :was

-- name: unanswered
UPDATE delivery SET state = 'UNKNOWN', reason = :reason, uncertain = 1, changed_at = :now,
    transaction_uid = NULL
WHERE sop_instance_uid = :uid AND destination = :destination AND state = :was

-- name: refused
UPDATE delivery SET state = 'REFUSED', reason = :reason, changed_at = :now, transaction_uid = NULL
WHERE sop_instance_uid = :uid AND destination = :destination AND state = :was

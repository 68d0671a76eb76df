-- name: try_now
UPDATE delivery SET state = CASE WHEN uncertain THEN 'UNKNOWN' ELSE 'PENDING' END,
    next_attempt_at = min(:now, coalesce(next_attempt_at, :now)), failures = 0,
    first_failed_at = NULL, reason = '', changed_at = :now
WHERE sop_instance_uid = :uid AND (state IN ('REFUSED', 'HELD') OR (state = 'PENDING' AND :named))
RETURNING sop_instance_uid, destination

-- name: in_state
SELECT sop_instance_uid FROM delivery
WHERE destination = :destination AND state = :state AND state NOT IN ('COMMITTED', 'DISCARDED')
    AND (next_attempt_at IS NULL) = 0
ORDER BY created_at

-- name: discard_deliveries
UPDATE delivery SET state = 'DISCARDED', reason = :reason, changed_at = :now,
    transaction_uid = NULL
WHERE sop_instance_uid = :uid AND state IN ('PENDING', 'UNKNOWN', 'STORED', 'REFUSED', 'HELD')
RETURNING destination

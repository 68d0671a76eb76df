-- name: try_now
UPDATE delivery SET state = CASE WHEN uncertain THEN 'UNKNOWN' ELSE 'PENDING' END,
    next_attempt_at = min(:now, next_attempt_at), failures = 0, first_failed_at = NULL, reason = '',
    changed_at = :now
WHERE (sop_instance_uid IN (SELECT value FROM json_each(:uids))
        AND state IN ('PENDING', 'REFUSED', 'HELD'))
    OR (:all_held AND state IN ('REFUSED', 'HELD') AND state NOT IN ('COMMITTED', 'DISCARDED'))
RETURNING sop_instance_uid, destination

-- name: discard_deliveries
UPDATE delivery SET state = 'DISCARDED', reason = :reason, changed_at = :now,
    transaction_uid = NULL
WHERE sop_instance_uid = :uid AND state IN ('PENDING', 'UNKNOWN', 'STORED', 'REFUSED', 'HELD')
RETURNING destination

-- name: settled
SELECT changed_at AS at, rowid AS place, sop_instance_uid FROM delivery
WHERE state IN ('COMMITTED', 'DISCARDED') AND next_attempt_at IS NOT NULL
    AND changed_at < :before AND (changed_at, rowid) > (:at, :place)
ORDER BY changed_at, rowid LIMIT :limit

-- name: stored_at
SELECT created_at AS at, rowid AS place, sop_instance_uid FROM delivery
WHERE destination = :destination AND state = 'STORED' AND state NOT IN ('COMMITTED', 'DISCARDED')
    AND (next_attempt_at IS NULL) = 0
    AND created_at < :before AND (created_at, rowid) > (:at, :place)
ORDER BY created_at, rowid LIMIT :limit

-- name: removable
SELECT instance.*, {intact:instance} AND NOT EXISTS (SELECT 1 FROM delivery
        WHERE delivery.sop_instance_uid = instance.sop_instance_uid
            AND NOT {intact:delivery}) AS intact
FROM instance
WHERE sop_instance_uid = :uid AND removed_at IS NULL
    AND NOT EXISTS (SELECT 1 FROM delivery
        WHERE delivery.sop_instance_uid = instance.sop_instance_uid
            AND (changed_at >= :before OR NOT (state IN ('COMMITTED', 'DISCARDED')
                OR (state = 'STORED'
                    AND destination IN (SELECT value FROM json_each(:unproven_ok))))))

-- name: removed
UPDATE instance SET removed_at = :now WHERE sop_instance_uid = :uid AND removed_at IS NULL
    AND NOT EXISTS (SELECT 1 FROM delivery WHERE delivery.sop_instance_uid = :uid
        AND state NOT IN ('STORED', 'COMMITTED', 'DISCARDED'))

-- name: nothing_due
UPDATE delivery SET next_attempt_at = NULL WHERE sop_instance_uid = :uid

-- name: destinations
SELECT DISTINCT grouped_by AS name FROM tally WHERE subject = 'delivery'

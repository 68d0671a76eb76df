-- name: event
INSERT INTO event (at, kind, actor, subject, detail)
VALUES (:at, :kind, :actor, :subject, :detail)

-- name: stored_once
INSERT INTO event (at, kind, actor, subject, detail)
SELECT stored_at, 'stored', 'agent', sop_instance_uid, destination FROM delivery
WHERE sop_instance_uid = :uid AND destination = :destination AND state = 'STORED'
    AND NOT EXISTS (SELECT 1 FROM event
        WHERE subject = sop_instance_uid AND kind IN ('stored', 'found') AND at = stored_at
            AND substr(detail || ': ', 1, length(destination) + 2) = destination || ': ')

-- name: removed_once
INSERT INTO event (at, kind, actor, subject, detail)
SELECT removed_at, 'removed', 'agent', sop_instance_uid, '' FROM instance
WHERE sop_instance_uid = :uid AND removed_at IS NOT NULL

-- name: events_of
SELECT at, kind, actor, detail, 1 AS rank, id AS place
FROM event WHERE subject IN (:acquisition, :uid)
UNION ALL
SELECT received_at, 'wrapped', 'agent', '', 0, 0 FROM acquisition
WHERE id = :acquisition AND state = 'WRAPPED'
    AND NOT EXISTS (SELECT 1 FROM event WHERE subject = acquisition.id AND kind = 'wrapped')
UNION ALL
SELECT stored_at, 'stored', 'agent', destination, 2, rowid FROM delivery
WHERE sop_instance_uid = :uid AND stored_at IS NOT NULL AND stored_at IS NOT committed_at
    AND NOT EXISTS (SELECT 1 FROM event
        WHERE subject = sop_instance_uid AND kind IN ('stored', 'found') AND at = stored_at
            AND substr(detail || ': ', 1, length(destination) + 2) = destination || ': ')
UNION ALL
SELECT committed_at, 'committed', 'agent', destination || ': by ' || proof, 3, rowid FROM delivery
WHERE sop_instance_uid = :uid AND committed_at IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM event
        WHERE subject = sop_instance_uid AND kind = 'committed' AND at = committed_at
            AND substr(detail || ': ', 1, length(destination) + 2) = destination || ': ')
UNION ALL
SELECT removed_at, 'removed', 'agent', '', 4, 0 FROM instance
WHERE sop_instance_uid = :uid AND removed_at IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM event
        WHERE subject = sop_instance_uid AND kind = 'removed' AND at = removed_at)
ORDER BY at, rank, place

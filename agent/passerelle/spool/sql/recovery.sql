-- name: forget_tally
DELETE FROM tally

-- name: tally_acquisitions
INSERT INTO tally SELECT 'acquisition', source, state, count(*) FROM acquisition GROUP BY source, state

-- name: tally_deliveries
INSERT INTO tally SELECT 'delivery', destination, state, count(*) FROM delivery
GROUP BY destination, state

-- name: uids_here
SELECT sop_instance_uid FROM instance WHERE removed_at IS NULL

-- name: interrupted
UPDATE delivery SET state = 'UNKNOWN', uncertain = 1, changed_at = :now,
    reason = 'the agent ended while it was sent'
WHERE state = 'SENDING' AND state NOT IN ('COMMITTED', 'DISCARDED')

-- name: doubted
UPDATE delivery SET state = 'UNKNOWN', uncertain = 1, changed_at = :now,
    reason = 'whether it was sent is not known any more'
WHERE state = 'PENDING'

-- name: object_gone
UPDATE delivery SET state = 'REFUSED', changed_at = :now,
    reason = 'its object is gone from the spool'
WHERE sop_instance_uid = :uid AND state = 'PENDING'

-- name: later_foreign_keys
PRAGMA defer_foreign_keys = ON

-- name: reindex
REINDEX

-- name: drop_lonely_deliveries
DELETE FROM delivery
WHERE NOT EXISTS (SELECT 1 FROM instance
    WHERE instance.sop_instance_uid = delivery.sop_instance_uid)

-- name: drop_lonely_patients
DELETE FROM patient
WHERE NOT EXISTS (SELECT 1 FROM acquisition WHERE acquisition.id = patient.acquisition_id)

-- name: adopt_instances
INSERT INTO acquisition (id, agent, source, state, reason, sha256, sidecar_sha256, size,
    instances, received_at)
SELECT acquisition_id, '', '', 'WRAPPED', 'its row was damaged', '', '', sum(size), count(*),
    min(created_at)
FROM instance
WHERE NOT EXISTS (SELECT 1 FROM acquisition WHERE acquisition.id = instance.acquisition_id)
GROUP BY acquisition_id

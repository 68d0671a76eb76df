-- name: remembered
SELECT 1 AS yes FROM remembered WHERE name_digest = :name_digest AND fingerprint = :fingerprint

-- name: remember
INSERT INTO remembered (name_digest, fingerprint) VALUES (:name_digest, :fingerprint)
ON CONFLICT (name_digest) DO UPDATE SET fingerprint = excluded.fingerprint

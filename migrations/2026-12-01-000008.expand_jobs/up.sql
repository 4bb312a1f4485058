-- Work that takes longer than a call, and its lines.

CREATE TABLE jobs (
  tenant_id    text COLLATE "C" NOT NULL,
  id           uuid             NOT NULL,
  kind         text COLLATE "C" NOT NULL,
  settings     jsonb            NOT NULL,
  actor        jsonb            NOT NULL,
  position     jsonb,
  done         bigint           NOT NULL DEFAULT 0,
  total        bigint,
  counts       jsonb            NOT NULL DEFAULT '{}',
  lines        bigint           NOT NULL DEFAULT 0,
  figures      jsonb,
  outcome      text COLLATE "C",
  lease_owner  uuid,
  lease_until  timestamptz,
  create_time  timestamptz      NOT NULL DEFAULT now(),
  start_time   timestamptz,
  cancel_time  timestamptz,
  end_time     timestamptz,
  expire_time  timestamptz,
  CONSTRAINT jobs_pkey PRIMARY KEY (tenant_id, id),
  CONSTRAINT jobs_counts CHECK (least(done, total, lines) >= 0),
  CONSTRAINT jobs_lease_whole CHECK ((lease_owner IS NULL) = (lease_until IS NULL)),
  CONSTRAINT jobs_end_whole CHECK (
    (end_time IS NULL) = (outcome IS NULL)
    AND (end_time IS NULL OR (lease_owner IS NULL AND expire_time IS NOT NULL)))
);
CREATE INDEX jobs_create_time ON jobs (tenant_id, create_time, id);
CREATE INDEX jobs_unfinished ON jobs (tenant_id, create_time) WHERE end_time IS NULL;
CREATE INDEX jobs_expire_time ON jobs (tenant_id, expire_time) WHERE expire_time IS NOT NULL;

COMMENT ON TABLE jobs IS
  'One row per job: work on many users that a call started and that servers carry out. A job that '
  'has not ended is worked on by the server that has its lease.';
COMMENT ON COLUMN jobs.kind IS
  'What the job does. A server takes only jobs of the kinds that it knows, so that a later release '
  'can add some.';
COMMENT ON COLUMN jobs.settings IS 'What the call asked for. It has no data of a person.';
COMMENT ON COLUMN jobs.actor IS
  'The service that started the job. What the job changes has it as its actor.';
COMMENT ON COLUMN jobs.position IS
  'Up to where the lines are stored and counted, in a form of the kind: another server continues '
  'after it. NULL before the first.';
COMMENT ON COLUMN jobs.done IS 'How much is done, in a unit of the kind.';
COMMENT ON COLUMN jobs.total IS 'How much there is to do, in the same unit; NULL while not known.';
COMMENT ON COLUMN jobs.counts IS 'How many links have which verdict, up to the position.';
COMMENT ON COLUMN jobs.lines IS
  'The number of the last line. Each batch writes this with its lines, and only while the lease is '
  'its own.';
COMMENT ON COLUMN jobs.figures IS
  'The result of a job that succeeded, in a form of the kind, without data of a person; NULL before.';
COMMENT ON COLUMN jobs.outcome IS
  '"succeeded", "failed" or "cancelled"; NULL until the end.';
COMMENT ON COLUMN jobs.lease_owner IS
  'The server that works on the job: a random id of its process. NULL if none does.';
COMMENT ON COLUMN jobs.lease_until IS
  'Until when the lease holds. After that another server may take the job.';
COMMENT ON COLUMN jobs.create_time IS 'When the call started the job.';
COMMENT ON COLUMN jobs.start_time IS 'When a server first took the job; NULL before.';
COMMENT ON COLUMN jobs.cancel_time IS 'When a caller cancelled the job; NULL if none did.';
COMMENT ON COLUMN jobs.end_time IS 'When the job ended; NULL before.';
COMMENT ON COLUMN jobs.expire_time IS
  'From when on the job is forgotten, with its lines: 30 days after its end, or at its deletion.';

CREATE TABLE job_lines (
  tenant_id  text COLLATE "C"   NOT NULL,
  job_id     uuid               NOT NULL,
  number     bigint             NOT NULL,
  line       text               NOT NULL,
  concerned  text[] COLLATE "C" NOT NULL,
  CONSTRAINT job_lines_pkey PRIMARY KEY (tenant_id, job_id, number),
  CONSTRAINT job_lines_number CHECK (number > 0)
);
CREATE INDEX job_lines_concerned ON job_lines USING gin (concerned) WITH (fastupdate = off);

COMMENT ON TABLE job_lines IS
  'The lines of jobs: those of a plan, or the verdicts on links.';
COMMENT ON COLUMN job_lines.number IS
  'The number of the line, from 1. A line that was erased leaves a gap.';
COMMENT ON COLUMN job_lines.line IS 'The line, a JSON object without its line break.';
COMMENT ON COLUMN job_lines.concerned IS
  'The users and identities in the line. It is erased when one of them is deleted.';

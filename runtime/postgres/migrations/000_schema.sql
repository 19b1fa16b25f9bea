CREATE SCHEMA IF NOT EXISTS jobgen;

-- The schema and what has been done to it: one row per file of this folder, and
-- in the last one which functions there are: a digest of their files, and the
-- schema that they name, which is another's name once the schema is renamed.
-- This file is left out where the table is there.
--
-- A program is of the version of the last file that it has. Programs from
-- version "oldest" on can work on the schema as a migration leaves it: an older
-- one does not start, and one that is newer than the schema migrates first.

CREATE TABLE jobgen.migration (
  version    integer PRIMARY KEY,
  name       text NOT NULL,
  oldest     integer NOT NULL,
  applied    timestamptz NOT NULL DEFAULT clock_timestamp(),
  functions  text NOT NULL DEFAULT '',
  names      text NOT NULL DEFAULT ''
);

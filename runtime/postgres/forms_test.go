package postgres_test

import (
	"regexp"
	"strings"
	"testing"
)

// A form is one that distributed PostgreSQL (Citus) refuses, or that costs plain
// PostgreSQL much, and that has another which serves both for the same price.
type form struct {
	name    string
	instead string
	in      func(s statement) bool
	planted []string // statements that have it
}

var (
	changesRows   = regexp.MustCompile(`\b(?:UPDATE|DELETE FROM)\s+jobgen\.`)
	changesShared = regexp.MustCompile(`\b(?:UPDATE|DELETE FROM|INSERT INTO)\s+jobgen\.(?:job|ended_job|attempt|attempt_default|queue|job_type|handler)\b`)
	local         = regexp.MustCompile(`\bjobgen\.(?:node|migration)\b`)
	notImmutable  = regexp.MustCompile(`\b(?:(?:clock_timestamp|statement_timestamp|transaction_timestamp|now|random|nextval|gen_random_uuid)\(|current_date\b|current_timestamp\b)`)
	columnAndTime = regexp.MustCompile(`[\w)] [+-] \w+\.\w+ \* interval\b|\b\w+\.\w+ [+-] interval\b`)
	conflictLooks = regexp.MustCompile(`(?s)ON CONFLICT.*\(\s*SELECT\b`)
	insertInWith  = regexp.MustCompile(`\bAS (?:MATERIALIZED )?\(\s*INSERT\b`)
	placesInArray = regexp.MustCompile(`\bctid = ANY \(\s*ARRAY\s*\(\s*SELECT\b`)
	tableOfJobs   = regexp.MustCompile(`\b(?:FROM|JOIN|UPDATE|USING)\s+jobgen\.(?:job|ended_job|attempt|attempt_default)\b(?:\s+(\w+))?`)
)

var forms = []form{
	{
		name: "a table of jobs without its queue", instead: "have alias.queue = _queue beside every reference, also where a ctid or queue + 0 is asked for",
		in: func(s statement) bool {
			wanted := make(map[string]int)
			for _, reference := range tableOfJobs.FindAllStringSubmatch(s.sql, -1) {
				wanted[reference[1]]++
			}
			for alias, n := range wanted {
				given := regexp.MustCompile(`\b`+alias+`\.queue = (?:@queue|_queue|_attempt\.queue)\b`).FindAllString(s.sql, -1)
				if len(given) < n {
					return true
				}
			}
			return false
		},
		planted: []string{
			"UPDATE jobgen.job j SET attempts = 1 FROM k WHERE j.ctid = k.tid",
			"SELECT j.id FROM jobgen.job j WHERE j.queue + 0 = _queue ORDER BY j.due",
			"WITH k AS (SELECT j.ctid AS tid FROM jobgen.job j WHERE j.queue = _queue AND j.id = _id) DELETE FROM jobgen.job j USING k WHERE j.ctid = k.tid",
			"SELECT 1 FROM jobgen.ended_job e WHERE e.id = @id",
			"SELECT count(*) FROM jobgen.attempt",
		},
	},
	{
		name: "what is not immutable in a change of rows", instead: "read it into a variable first",
		in: func(s statement) bool { return changesRows.MatchString(s.sql) && notImmutable.MatchString(s.sql) },
		planted: []string{
			"UPDATE jobgen.queue q SET deleted = clock_timestamp() WHERE q.number = _queue",
			"DELETE FROM jobgen.handler h WHERE h.used < current_date - _keep_days",
			"WITH d AS (DELETE FROM jobgen.job j WHERE j.queue = _queue RETURNING j.*) SELECT now(), d.id FROM d",
		},
	},
	{
		name: "a timestamptz and an interval beside a column in a change of rows", instead: "add in UTC: (_now AT TIME ZONE interval '0' + …) AT TIME ZONE interval '0'",
		in: func(s statement) bool { return changesRows.MatchString(s.sql) && columnAndTime.MatchString(s.sql) },
		planted: []string{
			"UPDATE jobgen.job j SET expires = _now + j.max_work * interval '1 microsecond' WHERE j.queue = _queue AND j.id = _id",
			"UPDATE jobgen.job j SET due = j.due + interval '1 second' WHERE j.queue = _queue AND j.id = _id",
		},
	},
	{
		name: "a subquery in ON CONFLICT", instead: "DO NOTHING, then look, then UPDATE",
		in: func(s statement) bool { return conflictLooks.MatchString(s.sql) },
		planted: []string{
			"INSERT INTO jobgen.handler AS h (name) VALUES (_name) ON CONFLICT (name) DO UPDATE SET holder = CASE WHEN EXISTS (SELECT 1 FROM x) THEN _holder END",
		},
	},
	{
		name: "a table that every node has and one that stays at the coordinator, in a change of rows", instead: "read the second into an array first",
		in: func(s statement) bool { return changesShared.MatchString(s.sql) && local.MatchString(s.sql) },
		planted: []string{
			"UPDATE jobgen.handler h SET holder = NULL WHERE NOT EXISTS (SELECT 1 FROM jobgen.node n WHERE n.holder = h.holder)",
		},
	},
	{
		name: "an INSERT in WITH beside places of rows", instead: "a statement for each table that is inserted into",
		in: func(s statement) bool { return insertInWith.MatchString(s.sql) && strings.Contains(s.sql, "ctid") },
		planted: []string{
			`WITH k AS (SELECT j.ctid AS tid FROM jobgen.job j WHERE j.queue = _queue),
			d AS (DELETE FROM jobgen.job j USING k WHERE j.queue = _queue AND j.ctid = k.tid RETURNING j.*),
			l AS (
				INSERT INTO jobgen.attempt (queue, job) SELECT queue, id FROM d)
			INSERT INTO jobgen.ended_job (queue, id) SELECT queue, id FROM d`,
		},
	},
	{
		name: "places in an array that a subquery makes", instead: "WITH o AS MATERIALIZED (SELECT … ctid …) DELETE … USING o",
		in: func(s statement) bool { return placesInArray.MatchString(s.sql) },
		planted: []string{
			"DELETE FROM jobgen.ended_job e WHERE e.queue = _queue AND e.ctid = ANY (ARRAY(SELECT o.ctid FROM jobgen.ended_job o WHERE o.queue = _queue LIMIT 10))",
		},
	},
}

// formsOf are the names of the forms that a statement has.
func formsOf(s statement) (names []string) {
	for _, f := range forms {
		if f.in(s) && !(f.name == forms[0].name && asksAllQueues(s) != "") {
			names = append(names, f.name)
		}
	}
	return names
}

// textForms are forms of whole functions.
func textForms(text string) (names []string) {
	text = sqlComment.ReplaceAllString(text, "")
	body := functionBody.FindString(text)
	if strings.Contains(text, "LANGUAGE sql") && regexp.MustCompile(`\bjobgen\.\w+\s+\w+\b`).MatchString(body) {
		names = append(names, "a function in SQL that reads tables: it is planned as a part of its caller")
	}
	if strings.Contains(text, "force_custom_plan") {
		names = append(names, "a plan for each call: it costs plain PostgreSQL two to four times a single claim")
	}
	return names
}

func TestNoStatementHasAFormThatDistributedPostgreSQLRefuses(t *testing.T) {
	t.Parallel()
	for _, s := range everyStatement(t) {
		for _, name := range formsOf(s) {
			t.Errorf("%s, in %s", name, s)
		}
	}
	for _, text := range everyFile(t, "functions/*.sql") {
		for _, name := range textForms(text) {
			t.Errorf("%s, in\n%s", name, text)
		}
	}
}

func TestEachFormThatIsRefusedIsFound(t *testing.T) {
	t.Parallel()
	for _, f := range forms {
		for _, sql := range f.planted {
			if found := strings.Join(formsOf(statement{where: "planted", sql: sql}), "; "); !strings.Contains(found, f.name) {
				t.Errorf("found %q, want %q (instead: %s) in\n%s", found, f.name, f.instead, sql)
			}
		}
	}
	for _, text := range []string{
		"CREATE OR REPLACE FUNCTION jobgen.f(_queue integer) RETURNS bigint\nLANGUAGE sql\nAS $$ SELECT count(*) FROM jobgen.job j WHERE j.queue = _queue $$;",
		"CREATE OR REPLACE FUNCTION jobgen.f(_queue integer) RETURNS bigint\nLANGUAGE plpgsql SET plan_cache_mode = force_custom_plan\nAS $$ BEGIN RETURN 1; END $$;",
	} {
		if len(textForms(text)) != 1 {
			t.Errorf("found %q in\n%s", textForms(text), text)
		}
	}
}

// A statement that is not taken out of its file is not looked at.
func TestEachStatementIsTakenOutOfItsFunction(t *testing.T) {
	t.Parallel()
	for _, text := range everyFile(t, "functions/*.sql") {
		name, statements := functionStatements(t, text)
		have := 0
		for _, s := range statements {
			have += len(distributed.FindAllString(s.sql, -1))
		}
		if want := len(distributed.FindAllString(sqlComment.ReplaceAllString(text, ""), -1)); have != want {
			t.Errorf("%s refers to tables of jobs %d times, in %d statements that were taken out of it %d times", name, want, len(statements), have)
		}
	}
	planted := `CREATE OR REPLACE FUNCTION jobgen.f(_queue integer, OUT n bigint)
LANGUAGE plpgsql
AS $$
DECLARE
  _id bigint := (SELECT min(j.id) FROM jobgen.job j);
BEGIN
  IF EXISTS (SELECT 1 FROM jobgen.job j) THEN
    PERFORM 1 FROM jobgen.job j;
  ELSE
    FOR _id IN SELECT j.id FROM jobgen.job j LOOP
      DELETE FROM jobgen.job j;
    END LOOP;
  END IF;
  CASE
  WHEN _id = 1 THEN
    n := (SELECT count(*) FROM jobgen.job j);
  ELSE
    SELECT count(*) INTO n FROM jobgen.job j;
    CONTINUE WHEN EXISTS (SELECT 1 FROM jobgen.job j);
    RETURN QUERY WITH d AS (DELETE FROM jobgen.job j RETURNING id) SELECT ';' || id FROM d;
  END CASE;
END $$;`
	_, statements := functionStatements(t, planted)
	if len(statements) != 9 {
		t.Errorf("took %d statements, want 9: %v", len(statements), statements)
	}
	for _, s := range statements {
		if len(formsOf(s)) != 1 {
			t.Errorf("found %q, want the missing queue, in %s", formsOf(s), s)
		}
	}
}

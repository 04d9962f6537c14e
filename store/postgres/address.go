package postgres

import (
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// CheckAddress says what is wrong with postgres://user@host1,host2/db and how to mend it,
// as far as it can be told without a server; wrong is empty when nothing is. A password
// does not belong there: it comes from PGPASSWORD or a password file.
func CheckAddress(address string) (wrong, mend string) {
	const form = "write it like postgres://user@host1,host2/db"
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return "this is no address", form // the error would repeat a password
	case u.Scheme != "postgres" && u.Scheme != "postgresql":
		return "this is no address of PostgreSQL", form
	case hasPassword(u):
		return "a password does not belong into this file", "take it out, and give it in the environment as PGPASSWORD, or in a file that PGPASSFILE or ?passfile= names"
	case u.Host == "" && u.Query().Get("host") == "":
		return "the address names no host", form
	case strings.Trim(u.Path, "/") == "" && u.Query().Get("dbname") == "":
		return "the address names no database", form
	}
	if _, err := pgconn.ParseConfig(address); err != nil {
		return "this cannot be used: " + err.Error(), form
	}
	return "", ""
}

func hasPassword(u *url.URL) bool {
	_, given := u.User.Password()
	return given || u.Query().Has("password")
}

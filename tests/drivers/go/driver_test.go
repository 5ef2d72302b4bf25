// Package driversuite runs the official Go driver, unmodified, against a server. SSL_CERT_FILE makes Go trust its authority.
package driversuite

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/neo4j/neo4j-go-driver/v5/neo4j"
)

var background = context.Background()

func open(t *testing.T, scheme, port, password string) neo4j.DriverWithContext {
	t.Helper()
	driver, err := neo4j.NewDriverWithContext(scheme+"://localhost:"+os.Getenv(port), neo4j.BasicAuth("neo4j", password, ""))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = driver.Close(background) })
	return driver
}

func query(t *testing.T, driver neo4j.DriverWithContext, text string, parameters map[string]any) any {
	t.Helper()
	result, err := neo4j.ExecuteQuery(background, driver, text, parameters, neo4j.EagerResultTransformer)
	if err != nil {
		t.Fatal(err)
	}
	return result.Records[0].Values[0]
}

func TestConnectsThroughEveryScheme(t *testing.T) {
	for _, scheme := range []string{"bolt+s", "neo4j+s", "bolt+ssc", "neo4j+ssc"} {
		driver := open(t, scheme, "BASTIDE_PORT", os.Getenv("BASTIDE_PASSWORD"))
		if got := query(t, driver, "RETURN 1", nil); got != int64(1) {
			t.Fatalf("%s: %v", scheme, got)
		}
	}
}

func TestPlainIsClosedBeforeTheHandshake(t *testing.T) {
	driver := open(t, "bolt", "BASTIDE_PORT", os.Getenv("BASTIDE_PASSWORD"))
	if err := driver.VerifyConnectivity(background); err == nil {
		t.Fatal("a plain connection was served")
	}
}

func TestOptionalTakesPlain(t *testing.T) {
	driver := open(t, "bolt", "BASTIDE_OPTIONAL_PORT", os.Getenv("BASTIDE_PASSWORD"))
	if err := driver.VerifyConnectivity(background); err != nil {
		t.Fatal(err)
	}
}

func TestValuesComeBack(t *testing.T) {
	driver := open(t, "neo4j+s", "BASTIDE_PORT", os.Getenv("BASTIDE_PASSWORD"))
	for _, value := range []any{true, int64(-1 << 63), 1.5, "naïve ☃", neo4j.DurationOf(1, 2, 3, 4)} {
		if got := query(t, driver, "RETURN $x", map[string]any{"x": value}); got != value {
			t.Fatalf("%v came back as %v", value, got)
		}
	}
}

func TestTransactions(t *testing.T) {
	driver := open(t, "neo4j+s", "BASTIDE_PORT", os.Getenv("BASTIDE_PASSWORD"))
	session := driver.NewSession(background, neo4j.SessionConfig{FetchSize: 10})
	defer func() { _ = session.Close(background) }()
	_, err := session.ExecuteWrite(background, func(tx neo4j.ManagedTransaction) (any, error) {
		return tx.Run(background, "UNWIND range(1, 100) AS x CREATE (:FromGo {x: x})", nil)
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(session.LastBookmarks()) != 1 {
		t.Fatal("no bookmark")
	}
	if got := query(t, driver, "MATCH (n:FromGo) RETURN sum(n.x)", nil); got != int64(5050) {
		t.Fatal(got)
	}
}

func TestErrorsCarryCodes(t *testing.T) {
	driver := open(t, "neo4j+s", "BASTIDE_PORT", os.Getenv("BASTIDE_PASSWORD"))
	_, err := neo4j.ExecuteQuery(background, driver, "RETRUN 1", nil, neo4j.EagerResultTransformer)
	var failure *neo4j.Neo4jError
	if !errors.As(err, &failure) || failure.Code != "Neo.ClientError.Statement.SyntaxError" {
		t.Fatal(err)
	}
	wrong := open(t, "bolt+s", "BASTIDE_PORT", "wrong")
	if err := wrong.VerifyConnectivity(background); !errors.As(err, &failure) || failure.Code != "Neo.ClientError.Security.Unauthorized" {
		t.Fatal(err)
	}
}

import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.util.List;
import java.util.Map;
import org.neo4j.driver.AuthToken;
import org.neo4j.driver.AuthTokens;
import org.neo4j.driver.Driver;
import org.neo4j.driver.GraphDatabase;
import org.neo4j.driver.SessionConfig;
import org.neo4j.driver.Values;
import org.neo4j.driver.exceptions.AuthenticationException;
import org.neo4j.driver.exceptions.ClientException;
import org.neo4j.driver.exceptions.ServiceUnavailableException;

/** The official Java driver, unmodified. The trust store of the command line holds the server's authority. */
public final class DriverSuite {
    private static final String PORT = System.getenv("BASTIDE_PORT");
    private static final String OPTIONAL_PORT = System.getenv("BASTIDE_OPTIONAL_PORT");
    private static final AuthToken AUTH = AuthTokens.basic("neo4j", System.getenv("BASTIDE_PASSWORD"));

    private static int passed;

    private interface Check {
        void run() throws Exception;
    }

    private static void check(String name, Check check) throws Exception {
        try {
            check.run();
        } catch (Throwable failure) {
            throw new AssertionError(name, failure);
        }
        passed++;
        System.out.println("ok " + name);
    }

    private static void require(boolean truth, Object shown) {
        if (!truth) {
            throw new AssertionError(String.valueOf(shown));
        }
    }

    private static <T extends Throwable> T refused(Class<T> kind, Check check) throws Exception {
        try {
            check.run();
        } catch (Throwable failure) {
            if (kind.isInstance(failure)) {
                return kind.cast(failure);
            }
            throw new AssertionError("expected " + kind, failure);
        }
        throw new AssertionError("expected " + kind);
    }

    public static void main(String[] arguments) throws Exception {
        for (var scheme : List.of("bolt+s", "neo4j+s", "bolt+ssc", "neo4j+ssc")) {
            check("connects through " + scheme, () -> {
                try (var driver = GraphDatabase.driver(scheme + "://localhost:" + PORT, AUTH)) {
                    var one = driver.executableQuery("RETURN 1 AS x").execute().records().get(0).get("x").asInt();
                    require(one == 1, one);
                }
            });
        }
        check("a plain connection is closed before the handshake", () -> {
            try (var driver = GraphDatabase.driver("bolt://localhost:" + PORT, AUTH)) {
                refused(ServiceUnavailableException.class, driver::verifyConnectivity);
            }
        });
        check("OPTIONAL takes plain connections", () -> {
            try (var driver = GraphDatabase.driver("bolt://localhost:" + OPTIONAL_PORT, AUTH)) {
                driver.verifyConnectivity();
            }
        });
        check("a wrong password is an authentication error", () -> {
            try (var driver = GraphDatabase.driver("bolt+s://localhost:" + PORT, AuthTokens.basic("neo4j", "wrong"))) {
                refused(AuthenticationException.class, driver::verifyConnectivity);
            }
        });
        try (var driver = GraphDatabase.driver("neo4j+s://localhost:" + PORT, AUTH)) {
            values(driver);
            transactions(driver);
            errors(driver);
        }
        System.out.println(passed + " passed, 0 failed");
    }

    private static void values(Driver driver) throws Exception {
        var values = List.<Object>of(true, Long.MIN_VALUE, 1.5, "naïve ☃", List.of(1L, "x"), Map.of("a", 1L),
                LocalDate.of(2024, 2, 29), LocalDateTime.of(2024, 2, 29, 1, 2, 3, 4),
                ZonedDateTime.of(2024, 7, 1, 12, 0, 0, 0, ZoneId.of("Europe/Stockholm")),
                Values.isoDuration(14, -3, 4, 5).asIsoDuration(), Values.point(7203, 1.0, 2.0).asPoint());
        for (var value : values) {
            check("comes back: " + value, () -> {
                var found = driver.executableQuery("RETURN $x AS x").withParameters(Map.of("x", value)).execute()
                        .records().get(0).get("x").asObject();
                require(value.equals(found), found);
            });
        }
    }

    private static void transactions(Driver driver) throws Exception {
        check("managed transactions, small fetches and counters", () -> {
            try (var session = driver.session(SessionConfig.builder().withFetchSize(10).build())) {
                var summary = session.executeWrite(
                        tx -> tx.run("UNWIND range(1, 100) AS x CREATE (:FromJava {x: x})").consume());
                require(summary.counters().nodesCreated() == 100, summary.counters());
                require(session.lastBookmarks().size() == 1, session.lastBookmarks());
                var sum = session.executeRead(tx -> tx.run("MATCH (n:FromJava) RETURN n.x AS x").stream()
                        .mapToInt(record -> record.get("x").asInt()).sum());
                require(sum == 5050, sum);
            }
        });
    }

    private static void errors(Driver driver) throws Exception {
        check("errors carry Neo4j codes", () -> {
            var failure = refused(ClientException.class, () -> driver.executableQuery("RETRUN 1").execute());
            require(failure.code().equals("Neo.ClientError.Statement.SyntaxError"), failure.code());
        });
    }
}

import java.nio.file.Path;
import org.neo4j.configuration.GraphDatabaseSettings;
import org.neo4j.dbms.api.DatabaseManagementService;
import org.neo4j.dbms.api.DatabaseManagementServiceBuilder;

/**
 * Runs a Neo4j server until its standard input ends, so that it never outlives who started it.
 * Arguments: the server's home and its neo4j.conf.
 */
class Launcher {
    public static void main(String[] arguments) throws Exception {
        DatabaseManagementService server =
                new DatabaseManagementServiceBuilder(Path.of(arguments[0]))
                        .loadPropertiesFromFile(Path.of(arguments[1]))
                        .build();
        server.database(GraphDatabaseSettings.DEFAULT_DATABASE_NAME);
        System.out.println("ready");
        while (System.in.read() != -1) {
            // Nothing is said here; only the end counts.
        }
        server.shutdown();
    }
}

// Makes TLS connections with Java's own SSLSocket, one for each line of JSON on standard input, and says what became of each.
// Knows nothing of policies. Served means: enough bytes of an answer were read after the handshake.

import java.io.BufferedReader;
import java.io.EOFException;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.security.KeyStore;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedKeyManager;

public final class Matrix {
    private static final int TIMEOUT_MS = 15_000;
    private static final char[] STORE_PASSWORD = "changeit".toCharArray();
    private static final Pattern FIELD = Pattern.compile("\"(\\w+)\": (?:\"([^\"]*)\"|(\\w+))");

    private Matrix() {}

    public static void main(String[] arguments) throws Exception {
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            Map<String, String> test = parse(line);
            String[] outcome = connect(test);
            System.out.printf(
                    "{\"name\": \"%s\", \"outcome\": \"%s\", \"said\": \"%s\"}%n",
                    test.get("name"), outcome[0], String.valueOf(outcome[1]).replaceAll("[\"\\\\\\p{Cntrl}]", " "));
        }
    }

    private static Map<String, String> parse(String line) {
        Map<String, String> fields = new TreeMap<>();
        Matcher matcher = FIELD.matcher(line);
        while (matcher.find()) {
            fields.put(matcher.group(1), matcher.group(2) != null ? matcher.group(2) : matcher.group(3));
        }
        return fields;
    }

    private static String[] connect(Map<String, String> test) throws Exception {
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys(test), trust(test.get("authority")).getTrustManagers(), null);
        int enough = Integer.parseInt(test.get("enough"));
        try (Socket plain = new Socket()) {
            plain.connect(new InetSocketAddress("127.0.0.1", Integer.parseInt(test.get("port"))), TIMEOUT_MS);
            plain.setSoTimeout(TIMEOUT_MS);
            try (SSLSocket socket =
                    (SSLSocket) context.getSocketFactory().createSocket(plain, "localhost", plain.getPort(), true)) {
                SSLParameters parameters = socket.getSSLParameters();
                parameters.setEndpointIdentificationAlgorithm("HTTPS");
                parameters.setProtocols(new String[] {test.get("version")});
                socket.setSSLParameters(parameters);
                socket.getOutputStream().write(HexFormat.of().parseHex(test.get("question")));
                readFully(socket.getInputStream(), enough);
                return new String[] {"served", socket.getSession().getProtocol() + " " + socket.getSession().getCipherSuite()};
            }
        } catch (SSLHandshakeException error) {
            if (error.getMessage().contains("certification path") || error.getMessage().contains("No name matching")) {
                throw error;
            }
            return new String[] {"refused", error.getMessage()};
        } catch (SSLException | EOFException | SocketException error) {
            return new String[] {"refused", error.getMessage()};
        } catch (SocketTimeoutException error) {
            throw new IOException(test.get("name") + ": neither an answer nor an end", error);
        }
    }

    private static void readFully(InputStream stream, int enough) throws IOException {
        for (int received = 0; received < enough; ) {
            int more = stream.read(new byte[4096]);
            if (more < 0) {
                throw new EOFException("end of stream");
            }
            received += more;
        }
    }

    private static TrustManagerFactory trust(String file) throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        try (InputStream stream = new FileInputStream(file)) {
            int count = 0;
            for (Certificate certificate : CertificateFactory.getInstance("X.509").generateCertificates(stream)) {
                store.setCertificateEntry("authority" + count++, certificate);
            }
        }
        TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
        factory.init(store);
        return factory;
    }

    private static KeyManager[] keys(Map<String, String> test) throws Exception {
        if (test.get("pkcs12").isEmpty()) {
            return null;
        }
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (InputStream stream = new FileInputStream(test.get("pkcs12"))) {
            store.load(stream, STORE_PASSWORD);
        }
        KeyManagerFactory factory = KeyManagerFactory.getInstance("SunX509");
        factory.init(store, STORE_PASSWORD);
        if (test.get("own_choice").equals("true")) {
            return factory.getKeyManagers();
        }
        return new KeyManager[] {new Insistent((X509ExtendedKeyManager) factory.getKeyManagers()[0])};
    }

    /** Shows its certificate whatever authorities the server names, as every other client does. */
    private static final class Insistent extends X509ExtendedKeyManager {
        private static final String ALIAS = "client";
        private final X509ExtendedKeyManager store;

        Insistent(X509ExtendedKeyManager store) {
            this.store = store;
        }

        @Override
        public String chooseClientAlias(String[] types, Principal[] issuers, Socket socket) {
            return ALIAS;
        }

        @Override
        public String chooseEngineClientAlias(String[] types, Principal[] issuers, SSLEngine engine) {
            return ALIAS;
        }

        @Override
        public X509Certificate[] getCertificateChain(String alias) {
            return store.getCertificateChain(alias);
        }

        @Override
        public PrivateKey getPrivateKey(String alias) {
            return store.getPrivateKey(alias);
        }

        @Override
        public String[] getClientAliases(String type, Principal[] issuers) {
            return new String[] {ALIAS};
        }

        @Override
        public String chooseServerAlias(String type, Principal[] issuers, Socket socket) {
            return null;
        }

        @Override
        public String[] getServerAliases(String type, Principal[] issuers) {
            return null;
        }
    }
}

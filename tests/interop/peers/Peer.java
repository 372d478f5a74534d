// A peer process made of JeroMQ, the pure Java ZeroMQ stack (the command language is described in words.py).

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32;
import org.zeromq.SocketType;
import org.zeromq.ZContext;
import org.zeromq.ZMQ;

public class Peer {
    private final ZContext context = new ZContext();
    private final Map<String, ZMQ.Socket> sockets = new HashMap<>();
    private final Map<String, List<byte[]>> last = new HashMap<>();

    private static final Map<Integer, String> ERRNO = Map.of(11, "EAGAIN", 35, "EAGAIN", 65, "EHOSTUNREACH", 113, "EHOSTUNREACH");

    private static byte[] unhex(String text) {
        byte[] octets = new byte[text.length() / 2];
        for (int i = 0; i < octets.length; i++)
            octets[i] = (byte) Integer.parseInt(text.substring(2 * i, 2 * i + 2), 16);
        return octets;
    }

    private static String digest(byte[] frame) {
        CRC32 crc = new CRC32();
        crc.update(frame);
        StringBuilder text = new StringBuilder(frame.length + ":" + crc.getValue() + ":");
        for (int i = 0; i < Math.min(16, frame.length); i++)
            text.append(String.format("%02x", frame[i]));
        return text.toString();
    }

    private byte[] frame(String word, String name) {
        if (word.startsWith("x"))
            return unhex(word.substring(1));
        if (word.startsWith("r"))
            return last.get(name).get(Integer.parseInt(word.substring(1)));
        String[] parts = word.substring(1).split(":");
        int seed = Integer.parseInt(parts[0]);
        byte[] octets = new byte[Integer.parseInt(parts[1])];
        for (int i = 0; i < octets.length; i++)
            octets[i] = (byte) (seed + i);
        return octets;
    }

    private static void set(ZMQ.Socket socket, String option, String value) {
        byte[] octets = value.startsWith("x") ? unhex(value.substring(1)) : null;
        switch (option) {
            case "ROUTING_ID": socket.setIdentity(octets); break;
            case "SUBSCRIBE": socket.subscribe(octets); break;
            case "SNDHWM": socket.setSndHWM(Integer.parseInt(value)); break;
            case "RCVHWM": socket.setRcvHWM(Integer.parseInt(value)); break;
            case "ROUTER_MANDATORY": socket.setRouterMandatory(value.equals("1")); break;
            case "CURVE_SERVER": socket.setCurveServer(value.equals("1")); break;
            case "CURVE_PUBLICKEY": socket.setCurvePublicKey(octets); break;
            case "CURVE_SECRETKEY": socket.setCurveSecretKey(octets); break;
            case "CURVE_SERVERKEY": socket.setCurveServerKey(octets); break;
            default: throw new IllegalArgumentException("option " + option);
        }
    }

    private String open(String[] words) {
        ZMQ.Socket socket = context.createSocket(SocketType.valueOf(words[2]));
        socket.setLinger(0);
        socket.setSendTimeOut(10000);
        for (int i = 5; i < words.length; i++) {
            int equals = words[i].indexOf('=');
            set(socket, words[i].substring(0, equals), words[i].substring(equals + 1));
        }
        sockets.put(words[1], socket);
        if (words[3].equals("connect")) {
            socket.connect(words[4]);
            return words[4];
        }
        socket.bind(words[4]);
        return socket.getLastEndpoint();
    }

    private String answer(String[] words) {
        ZMQ.Socket socket = words.length > 1 ? sockets.get(words[1]) : null;
        switch (words[0]) {
            case "open":
                return "ok " + open(words);
            case "send":
                for (int i = 2; i < words.length; i++)
                    if (!socket.send(frame(words[i], words[1]), i + 1 < words.length ? ZMQ.SNDMORE : 0))
                        return "error " + ERRNO.getOrDefault(socket.errno(), "errno " + socket.errno());
                return "ok";
            case "recv":
                socket.setReceiveTimeOut(Integer.parseInt(words[2]));
                List<byte[]> frames = new ArrayList<>();
                StringBuilder reply = new StringBuilder("ok");
                do {
                    byte[] octets = socket.recv(0);
                    if (octets == null)
                        return "error " + ERRNO.getOrDefault(socket.errno(), "errno " + socket.errno());
                    frames.add(octets);
                    reply.append(' ').append(digest(octets));
                } while (socket.hasReceiveMore());
                last.put(words[1], frames);
                return reply.toString();
            case "close":
                context.destroySocket(sockets.remove(words[1]));
                return "ok";
            default:
                throw new IllegalArgumentException(words[0]);
        }
    }

    public static void main(String[] arguments) throws Exception {
        Peer peer = new Peer();
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
        System.out.println("ready JeroMQ " + ZMQ.getVersionString());
        for (String line = input.readLine(); line != null && !line.equals("quit"); line = input.readLine()) {
            String reply;
            try {
                reply = peer.answer(line.trim().split(" "));
            } catch (Exception error) {
                reply = "error " + error;
            }
            System.out.println(reply.replace('\n', ' '));
        }
        System.exit(0);
    }
}

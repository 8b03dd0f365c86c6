// Messages to and from the server; a connection that is lost is made again.

const handlers = new Map();
let socket = null;
let wait = 250;

export function on(name, call) {
  handlers.set(name, [...(handlers.get(name) ?? []), call]);
}

export function say(message) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

export function drop() {
  socket.close();
}

// An array as the server packs it: float32 in base64, with its shape.
export function unpacked(value) {
  const bytes = Uint8Array.from(atob(value.data), (letter) => letter.charCodeAt(0));
  return Object.assign(new Float32Array(bytes.buffer), { shape: value.shape });
}

export function connect(changed) {
  const token = new URLSearchParams(location.search).get("token") ?? "";
  socket = new WebSocket(`ws://${location.host}/talk?token=${encodeURIComponent(token)}`);
  socket.onopen = () => {
    wait = 250;
    changed(true);
  };
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    for (const call of handlers.get(message.name.replace(/\d+$/, "")) ?? []) call(message);
  };
  socket.onclose = () => {
    changed(false);
    setTimeout(() => connect(changed), wait);
    wait = Math.min(2 * wait, 5000);
  };
}

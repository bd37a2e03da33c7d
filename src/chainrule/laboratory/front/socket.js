// The page's model: the face of an anywidget model, on a WebSocket that comes back by itself.

const PAUSES = [300, 700, 1500, 3000, 6000, 10000];

/**
 * One binary message: the length of the JSON, the JSON, the buffers, each at a multiple of four.
 * @param {Object} message
 * @param {Array<ArrayBuffer|ArrayBufferView>} buffers
 * @returns {Uint8Array}
 */
export function packMessage(message, buffers = []) {
  const parts = buffers.map((buffer) => ArrayBuffer.isView(buffer)
    ? new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
    : new Uint8Array(buffer));
  const text = JSON.stringify({ message, buffers: parts.map((part) => part.byteLength) });
  const head = new TextEncoder().encode(text);
  const length = upToFour(head.length);
  const packed = new Uint8Array(4 + length + parts.reduce((sum, part) => sum + upToFour(part.byteLength), 0));
  new DataView(packed.buffer).setUint32(0, length, true);
  packed.fill(32, 4, 4 + length);
  packed.set(head, 4);
  let start = 4 + length;
  for (const part of parts) {
    packed.set(part, start);
    start += upToFour(part.byteLength);
  }
  return packed;
}

/**
 * What `packMessage` made, taken apart again; the buffers are views, nothing is copied.
 * @param {ArrayBuffer} packed
 * @returns {{message: Object, buffers: DataView[]}}
 */
export function unpackMessage(packed) {
  const length = new DataView(packed).getUint32(0, true);
  const { message, buffers } = JSON.parse(new TextDecoder().decode(new Uint8Array(packed, 4, length)));
  let start = upToFour(4 + length);
  const views = buffers.map((size) => {
    const view = new DataView(packed, start, size);
    start += upToFour(size);
    return view;
  });
  return { message, buffers: views };
}

function upToFour(length) {
  return Math.ceil(length / 4) * 4;
}

/**
 * A model whose `page` is true. Besides "msg:custom" it tells "connected" and "disconnected".
 * @param {string} address  of the WebSocket
 * @returns {{page: true, send: Function, on: Function, off: Function, again: Function, close: Function}}
 */
export function createSocketModel(address) {
  const handlers = new Map();
  let socket = null;
  let failures = 0;
  let timer = 0;
  let closed = false;

  function tell(kind, ...details) {
    for (const handler of [...(handlers.get(kind) ?? [])]) handler(...details);
  }
  function connect() {
    clearTimeout(timer);
    if (closed) return;
    const opening = new WebSocket(address);
    socket = opening;
    opening.binaryType = "arraybuffer";
    opening.onopen = () => {
      failures = 0;
      tell("connected");
    };
    opening.onmessage = (event) => {
      if (typeof event.data === "string") return;
      const { message, buffers } = unpackMessage(event.data);
      tell("msg:custom", message, buffers);
    };
    opening.onclose = (event) => {
      if (closed || socket !== opening) return;
      failures += 1;
      tell("disconnected", { failures, reason: event.reason });
      timer = setTimeout(connect, PAUSES[Math.min(failures, PAUSES.length) - 1]);
    };
  }
  function again() {
    if (!closed && socket.readyState !== WebSocket.OPEN && socket.readyState !== WebSocket.CONNECTING) connect();
  }
  // A laptop that wakes up, or a tab that is looked at again, does not wait for the timer.
  const awake = () => {
    if (document.visibilityState === "visible") again();
  };
  addEventListener("online", again);
  document.addEventListener("visibilitychange", awake);
  queueMicrotask(connect);

  return {
    page: true,
    send(message, _callbacks, buffers = []) {
      if (socket?.readyState === WebSocket.OPEN) socket.send(packMessage(message, buffers));
    },
    on(kind, handler) {
      handlers.set(kind, [...(handlers.get(kind) ?? []), handler]);
    },
    off(kind, handler) {
      handlers.set(kind, (handlers.get(kind) ?? []).filter((other) => other !== handler));
    },
    again,
    close() {
      closed = true;
      clearTimeout(timer);
      removeEventListener("online", again);
      document.removeEventListener("visibilitychange", awake);
      socket?.close();
    },
  };
}

// The one connection to the server: a question, an answer, and a new connection when it is lost.

const RETRY = 1000; // milliseconds

export class Server {
  // `ready` is called whenever there is a connection, `lost` with a message when there is none.
  constructor(ready, lost) {
    this.ready = ready;
    this.lost = lost;
    this.number = 0;
    this.waiting = new Map();
    this.#connect();
  }

  // The answer to a message; null if the connection breaks before it comes.
  async ask(message) {
    await this.open;
    if (this.socket.readyState !== WebSocket.OPEN) return null;
    this.number += 1;
    const id = this.number;
    return new Promise(resolve => {
      this.waiting.set(id, resolve);
      this.socket.send(JSON.stringify({ id, ...message }));
    });
  }

  #connect() {
    const address = new URL("socket", document.baseURI);
    address.protocol = address.protocol.replace("http", "ws");
    this.socket = new WebSocket(address);
    this.open = new Promise(resolve => this.socket.addEventListener("open", resolve));
    this.socket.addEventListener("open", () => {
      this.lost("");
      this.ready();
    });
    this.socket.addEventListener("message", event => {
      const answer = JSON.parse(event.data);
      this.waiting.get(answer.id)?.(answer);
      this.waiting.delete(answer.id);
    });
    this.socket.addEventListener("close", event => {
      for (const resolve of this.waiting.values()) resolve(null);
      this.waiting.clear();
      this.lost(event.reason || "The server does not answer. Is it still running? The page goes on when it is back.");
      setTimeout(() => this.#connect(), RETRY);
    });
  }
}

// The one stream of all tabs of this browser. A SharedWorker where there is one; else each page runs it for itself.
// It streams where the server has a thread for it (204: it has none), polls otherwise, and begins again by itself.
(() => {
  "use strict";
  const POLL = 2000, STREAM_AGAIN = [4000, 10000, 30000], SILENT = 15000, LONGEST = 15000, GONE = 90000;
  const pause = (milliseconds, signal) => new Promise((done) => {
    const over = () => { clearTimeout(timer); signal.removeEventListener("abort", over); done(); };
    const timer = setTimeout(over, milliseconds);
    signal.addEventListener("abort", over);
  });

  class Feed {
    // deliver(topic, html); tell(state, why)
    constructor(address, deliver, tell) {
      Object.assign(this, { address, deliver, tell, topics: "", wanted: [], state: "", why: "", since: Date.now(), run: null });
    }

    // a stream that brings more than is wanted goes on until it is over: a new one for each page would cost the server more
    follow(topics) {
      this.wanted = [...new Set(topics)].sort();
      const brought = new Set(this.topics.split(","));
      if (this.wanted.length && this.wanted.every((topic) => brought.has(topic))) return;
      const wanted = this.wanted.join(",");
      if (wanted === this.topics) return;
      this.topics = wanted;
      this.run?.abort();
      this.run = wanted ? new AbortController() : null;
      if (this.run) this.go(wanted, this.run.signal);
    }

    say(state, why = "") {
      if (state === this.state && why === this.why) return;
      Object.assign(this, { state, why, since: Date.now() });
      this.tell(state, why, this.since);
    }

    async go(topics, signal) {
      let failures = 0, refusals = 0;
      while (!signal.aborted) {
        try {
          if (await this.stream(topics, signal)) {
            await this.poll(topics, signal, STREAM_AGAIN[Math.min(refusals, STREAM_AGAIN.length - 1)]);
            refusals += 1;
          } else refusals = 0;
          failures = 0;
          if (!signal.aborted && this.wanted.join(",") !== topics) {  // the next stream brings only what is wanted now
            this.topics = "";
            this.follow(this.wanted);
            return;
          }
        } catch (error) {
          if (signal.aborted) return;
          failures += 1;
          this.say("lost", error.message === "signed out" ? "signed out" : "");
          await pause(Math.min(LONGEST, 500 * 2 ** failures) * (0.7 + 0.6 * Math.random()), signal);
        }
      }
    }

    async ask(path, topics, signal, headers = {}) {
      const answer = await fetch(`${this.address}${path}?topics=${encodeURIComponent(topics)}`, {
        signal, cache: "no-store", redirect: "manual", headers: { Accept: "text/event-stream", ...headers },
      });
      if (answer.type === "opaqueredirect" || answer.status === 401) throw new Error("signed out");
      if (!answer.ok && answer.status !== 304) throw new Error(`answered ${answer.status}`);
      return answer;
    }

    // true: no stream is free
    async stream(topics, signal) {
      const own = new AbortController(), stop = () => own.abort();
      signal.addEventListener("abort", stop, { once: true });
      let watch = setTimeout(stop, SILENT);
      try {
        const answer = await this.ask("", topics, own.signal);
        if (answer.status === 204) return true;
        const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
        for (let rest = ""; ;) {
          const { done, value } = await reader.read();
          if (done) return false;
          clearTimeout(watch);
          watch = setTimeout(stop, SILENT);
          this.say("live");
          rest = this.parse(rest + value);
        }
      } finally {
        clearTimeout(watch);
        signal.removeEventListener("abort", stop);
      }
    }

    async poll(topics, signal, milliseconds) {
      const end = Date.now() + milliseconds;
      let mark = "";
      while (!signal.aborted && Date.now() < end) {
        const answer = await this.ask("/now", topics, signal, mark ? { "If-None-Match": mark } : {});
        mark = answer.headers.get("ETag") || mark;
        if (answer.status === 200) this.parse(await answer.text());
        this.say("polling");
        await pause(POLL, signal);
      }
    }

    // hands on each whole event, and gives back what is not whole yet
    parse(text) {
      const events = text.split("\n\n");
      const rest = events.pop();
      for (const event of events) {
        let topic = "";
        const data = [];
        for (const line of event.split("\n")) {
          if (line.startsWith("event: ")) topic = line.slice(7);
          else if (line.startsWith("data: ")) data.push(line.slice(6));
        }
        if (topic) this.deliver(topic, data.join("\n"));
      }
      return rest;
    }
  }

  if (typeof SharedWorkerGlobalScope === "undefined" || !(self instanceof SharedWorkerGlobalScope)) {
    self.poolhouseFeed = Feed;
    return;
  }
  const tabs = new Map();
  let feed = null;
  const toAll = (message) => { for (const port of tabs.keys()) port.postMessage(message); };
  const gather = () => feed.follow([...tabs.values()].flatMap((tab) => tab.topics));
  self.onconnect = ({ ports: [port] }) => {
    port.onmessage = ({ data }) => {
      feed ??= new Feed(data.address, (topic, html) => toAll({ topic, html }), (state, why, since) => toAll({ state, why, since }));
      if (data.bye) tabs.delete(port);
      else tabs.set(port, { topics: data.topics, seen: Date.now() });
      gather();
      if (feed.state && data.topics?.length) port.postMessage({ state: feed.state, why: feed.why, since: feed.since });
    };
  };
  setInterval(() => {  // a tab that ended without a word
    for (const [port, tab] of tabs) if (tab.topics.length && Date.now() - tab.seen > GONE) tabs.delete(port);
    if (feed) gather();
  }, GONE / 3);
})();

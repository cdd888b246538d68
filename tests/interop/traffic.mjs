// Sign-ins that go on while a test changes keys.

import assert from "node:assert/strict";

/** Two people who sign in by `run` (run.mjs), one time after the other, until `end`; any failure ends the test. */
export class Traffic {
  #going = true;
  #people;
  #waiting = [];

  constructor(run) {
    this.#people = [0, 1].map((person) => this.#signIn(run, person));
    for (const person of this.#people) person.catch(() => {}); // reported by the next `round` or `end`
  }

  async #signIn(run, person) {
    while (this.#going) {
      await run.signIn();
      for (const waiting of this.#waiting) waiting(person);
    }
  }

  /** Resolves when all sign-ins that are under way now have ended, and one more that was begun after this call. */
  async round() {
    const ended = this.#people.map(() => 0);
    const isDone = () => ended.every((count) => count > 0) && ended.some((count) => count > 1);
    const done = new Promise((resolve) => {
      this.#waiting.push((person) => {
        ended[person] += 1;
        if (isDone()) resolve();
      });
    });
    await Promise.race([done, ...this.#people]);
    assert.ok(isDone());
  }

  async end() {
    this.#going = false;
    await Promise.all(this.#people);
  }
}

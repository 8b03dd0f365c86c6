"use strict";
// Where the page is served: a rater is announced before the first card, and the answers go to the server, which says the
// rater's own result. An error has the key of the page's words that says why, and the values in them.
(function () {
  function talk(message, milliseconds) {
    return new Promise((resolve, reject) => {
      const token = new URLSearchParams(location.search).get("token");
      const socket = new WebSocket("ws://" + location.host + "/talk?token=" + encodeURIComponent(token));
      const fail = (key, values) => {
        clearTimeout(patience);
        reject(Object.assign(new Error(key), { key, values }));
        socket.close();
      };
      const patience = setTimeout(() => fail("no_reply"), milliseconds);
      socket.addEventListener("open", () => socket.send(JSON.stringify(message)));
      socket.addEventListener("close", () => fail("no_connection"));
      socket.addEventListener("message", (event) => {
        const said = JSON.parse(event.data);
        if (said.name !== "refused") resolve(said);
        fail(said.key, said.values);
      });
    });
  }

  window.quizBegin = (rater, browser, here) => talk({ do: "begin", rater, browser, here }, 5000);
  window.quizDeliver = async (answers) => (await talk({ do: "answers", content: JSON.stringify(answers) }, 30000)).result;
})();

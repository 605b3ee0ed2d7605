"use strict";
addEventListener("install", () => skipWaiting());

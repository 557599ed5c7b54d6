// Loaded before server.js (node --require), which stays as it is: puts its
// port and its number of CPUs where the benchmark wants them.
const net = require('net');
const os = require('os');

const port = Number(process.env.BENCH_PORT);
const count = Number(process.env.BENCH_WORKERS);
const listen = net.Server.prototype.listen;

net.Server.prototype.listen = function (where, ...rest) {
  if (where === 8000) {
    return listen.call(this, { port, host: '127.0.0.1', backlog: 4096 });
  }
  return listen.call(this, where, ...rest);
};
os.cpus = () => new Array(count).fill({ model: 'benchmark' });

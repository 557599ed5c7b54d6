// The same answer from one process, without cluster.
const http = require('http');

http.createServer((request, response) => {
  response.writeHead(200, {
    'Content-Type': 'text/plain',
    'Content-Length': 12,
  });
  response.end('hello world\n');
}).listen(8000);

// A FastCGI program that is none of ours, for lambda.test.mjs: it listens on descriptor 0
// and does what its path says.  Started with an argument it is one that does not start.
import net from 'node:net'
import { end, FCGI, parameters, record } from './lambda_records.mjs'

if (process.argv[2] === 'refuse') {
  console.error('a setting is missing')
  process.exit(78)
}

const sleep = ms => new Promise(resolve => setTimeout(resolve, ms))
const out = (socket, text) => {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += 65528) socket.write(record(FCGI.STDOUT, 1, bytes.subarray(at, at + 65528)))
}
const head = (type, more = '') => `Status: 200 OK\r\nContent-Type: ${type}\r\n${more}\r\n`
const finish = socket => socket.end(end(1))

const does = {
  echo: (socket, { params, body }) => out(socket, head('application/json') + JSON.stringify({ params, body: body.toString('base64'), pid: process.pid })),
  crash: () => process.kill(process.pid, 'SIGKILL'),
  midway: socket => socket.write(record(FCGI.STDOUT, 1, Buffer.from(head('text/plain') + 'half of')), () => process.kill(process.pid, 'SIGKILL')),
  leave: () => process.exit(0),
  hang: () => new Promise(() => {}),
  silent: () => {},
  garbage: socket => { socket.end('HTTP/1.1 400 Bad Request\r\n\r\n') },
  headless: socket => out(socket, 'no header at all\n\n'),
  cookies: socket => out(socket, head('text/plain', 'Set-Cookie: a=1; Path=/\r\nSet-Cookie: b=2, c\r\nSet-Cookie: c=3\r\nVary: Accept\r\nVary: Origin\r\n') + 'with cookies'),
  binary: socket => { out(socket, head('image/png')); socket.write(record(FCGI.STDOUT, 1, Buffer.from([0x89, 0x50, 0, 0xff, 0xfe]))) },
  large: (socket, { params }) => out(socket, head('application/octet-stream') + 'x'.repeat(parseInt(params.QUERY_STRING))),
  text: (socket, { params }) => out(socket, head('text/plain') + 'word '.repeat(Number(params.QUERY_STRING))),
  early: socket => out(socket, 'Status: 413 Content Too Large\r\nContent-Type: text/plain\r\n\r\ntoo much'),
  noisy: async socket => {
    for (let i = 0; i < 64; i++) socket.write(record(FCGI.STDERR, 1, Buffer.alloc(8192, 'e')))
    for (let i = 0; i < 64; i++) process.stderr.write('n'.repeat(8192))
    out(socket, head('text/plain') + 'heard')
  },
  slow: async socket => {
    out(socket, head('text/plain'))
    for (const piece of ['one ', 'two ', 'three']) {
      await sleep(60)
      out(socket, piece)
    }
  }
}

async function answer (socket, request) {
  const name = request.params.PATH_INFO.split('/').pop()
  const act = request.params.LAMBDA_EVENT_SOURCE ? does.echo : does[name] ?? does.echo
  await act(socket, request)
  if (!['crash', 'midway', 'leave', 'silent', 'garbage'].includes(name)) finish(socket)
  if (name === 'silent') socket.end()
}

const server = net.createServer({ allowHalfOpen: true }, socket => {
  let bytes = Buffer.alloc(0)
  const params = []
  const body = []
  socket.on('error', () => {})
  socket.on('data', part => {
    bytes = bytes.length ? Buffer.concat([bytes, part]) : part
    while (bytes.length >= 8) {
      const [type, length, padding] = [bytes[1], bytes.readUInt16BE(4), bytes[6]]
      if (bytes.length < 8 + length + padding) return
      const content = bytes.subarray(8, 8 + length)
      bytes = bytes.subarray(8 + length + padding)
      if (type === FCGI.GET_VALUES) socket.write(record(FCGI.GET_VALUES_RESULT, 0, Buffer.alloc(0)))
      if (type === FCGI.PARAMS) params.push(content)
      // Answers before it has read what is sent.
      if (type === FCGI.PARAMS && length === 0 && parameters(Buffer.concat(params)).PATH_INFO.endsWith('/early')) {
        socket.pause()
        does.early(socket)
        return socket.end(end(1), () => socket.destroySoon())
      }
      if (type === FCGI.STDIN && length > 0) body.push(content)
      if (type === FCGI.STDIN && length === 0) answer(socket, { params: parameters(Buffer.concat(params)), body: Buffer.concat(body) })
    }
  })
})
server.listen({ fd: 0 })
process.on('SIGTERM', () => { console.error('drained'); process.exit(0) })

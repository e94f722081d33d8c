// The harness of the stack tests: real web servers, real sockets, a temporary folder each.
//
//   SERVERS                        the kinds: 'lighttpd', 'apache-proxy', 'apache-fcgid', 'nginx'
//   startStack(kind, options)      a web server with all handlers behind it → Stack.  Options:
//                                    env       settings for the handlers, over the defaults below
//                                    handlers  names; default: all that are built
//                                    processes of each handler (lighttpd)
//                                    edit(conf)  the server's configuration, before it is used
//                                  With QUIVER_URL set the kind 'lighttpd' is that installation.
//   Stack                          { kind, url, root, state, run, log, env, handlers, external }
//     stack.request(target, opt)   one HTTP request, the target sent as it is → Reply
//     stack.raw(bytes, opt)        the bytes as they are on a connection of their own → Buffer
//     stack.signIn()               the owner's access token
//     stack.pids()                 the processes of the handlers { name: [pid] }
//     stack.logLines()             the handlers' log, parsed: throws on a line that is no JSON object
//     stack.restart()                starts the web server again when it was killed, on another port
//     stack.stop()                 ends all of it, by pid, and removes the folder
//   startHandler(name, options)    a handler alone on a unix socket → Handler.  Options: env, root (makeRoot()), args
//   Handler                        { name, socket, state, pid, child, stderr() }
//     handler.stop(signal)         → { code, signal, ms };  handler.exited: a promise of the same
//     handler.fcgi(params, opt)    one FastCGI request on a connection of its own → FcgiReply
//   runHandler(name, args, env)    runs it to its end → { code, stdout, stderr }
//   httpRequest(url, target, opt)  opt: method, headers (object, or list of pairs), body (string, Buffer,
//                                  or anything JSON), chunked (list of pieces), agent, timeoutMs
//   Reply                          { status, headers (lower case), rawHeaders, body (Buffer), text, json() }
//   and all of fastcgi_client.mjs (raw records) and until.mjs (waiting for a condition)
//   startStore()                   a DynamoDB of its own → settings for handlers, without STORE
//   makeRoot()                     folders for several handlers that share one state: { root, state, run, log, limits }
//   temporaryFolder()              removed when the test process ends
//   cleanUp(fn)                    runs fn when the test process ends, and on a signal
//
// With QUIVER_STORE=dynamodb every folder of makeRoot() has a table of its own in a DynamoDB of the test process
// (dynamodb_server.mjs) instead of an SQLite file; USES_SQLITE says whether a file is there to be looked into.
//
// All processes are children of the test process and end by their pid.  As root, everything runs as www-data
// (Apache will not run as root) on copies of the executables, so that it works from any checkout.
import { spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { cgi, fcgi } from './fastcgi_client.mjs'
import { until } from './until.mjs'

export * from './fastcgi_client.mjs'
export { until } from './until.mjs'

export const TOP = path.join(path.dirname(fileURLToPath(import.meta.url)), '../..')
export const BUILD = path.resolve(process.env.QUIVER_BUILD ?? path.join(TOP, 'build'))
export const SERVERS = process.env.QUIVER_URL ? ['lighttpd'] : ['lighttpd', 'apache-proxy', 'apache-fcgid', 'nginx']
export const OWNER = {
  email: process.env.OWNER_EMAIL ?? 'owner@example.com',
  password: process.env.OWNER_PASSWORD ?? 'correct horse battery staple'
}

// --- folders and processes ------------------------------------------------------------------------------------

const cleaners = []
let cleaning = false

export function cleanUp (fn) { cleaners.push(fn) }

function cleanAll () {
  if (cleaning) return
  cleaning = true
  for (const fn of cleaners.reverse()) try { fn() } catch {}
}
process.on('exit', cleanAll)
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1))

export const unprivileged = (() => {
  if (process.getuid() !== 0) return {}
  const id = flag => Number(spawnSync('id', [flag, 'www-data'], { encoding: 'utf8' }).stdout)
  return { uid: id('-u'), gid: id('-g') }
})()

export const handOver = (...folders) => {
  for (const folder of folders) if (unprivileged.uid) fs.chownSync(folder, unprivileged.uid, unprivileged.gid)
}

export function temporaryFolder () {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'quiver-'))
  handOver(root)
  cleanUp(() => fs.rmSync(root, { recursive: true, force: true }))
  return root
}

function start (command, args, { env, stderr = 'ignore', cwd = '/' } = {}) {
  // A group of its own, so that what it starts ends with it even when it is killed.
  const child = spawn(command, args, { env, cwd, detached: true, stdio: ['ignore', 'ignore', stderr], ...unprivileged })
  child.exited = new Promise(resolve => child.once('exit', (code, signal) => resolve({ code, signal })))
  child.once('error', () => {})
  cleanUp(() => killGroup(child))
  return child
}

function killGroup (child) {
  try { if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL') } catch {}
}

const running = child => child.pid !== undefined && child.exitCode === null && child.signalCode === null

async function end (child, signal = 'SIGTERM', patienceMs = 15000) {
  const began = Date.now()
  if (running(child)) {
    child.kill(signal)
    const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs)
    await child.exited
    clearTimeout(timer)
    killGroup(child)
  }
  return { ...await child.exited, ms: Date.now() - began }
}

export function freePort () {
  return new Promise((resolve, reject) => {
    const server = net.createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

export function childrenOf (pid) {
  const found = []
  for (const entry of fs.readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    try {
      const stat = fs.readFileSync(`/proc/${entry}/stat`, 'utf8')
      const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      if (Number(parent) === pid && state !== 'Z') found.push(Number(entry))
    } catch {}
  }
  return found
}

export const commandOf = pid => fs.readFileSync(`/proc/${pid}/comm`, 'utf8').trim()
export const descriptorsOf = pid => fs.readdirSync(`/proc/${pid}/fd`).length

// --- where the executables are -----------------------------------------------------------------------------------

export const HANDLERS = fs.existsSync(path.join(BUILD, 'bin')) ? fs.readdirSync(path.join(BUILD, 'bin')).sort() : []

let copied
// bin/, share/ and deploy/, where whoever runs the handlers may read them.
function installation () {
  if (!unprivileged.uid) return { bin: path.join(BUILD, 'bin'), deploy: path.join(TOP, 'deploy') }
  if (!copied) {
    const root = temporaryFolder()
    fs.chmodSync(root, 0o755)
    for (const part of ['bin', 'share']) {
      const from = path.join(BUILD, part)
      if (fs.existsSync(from)) fs.cpSync(from, path.join(root, part), { recursive: true })
    }
    fs.cpSync(path.join(TOP, 'deploy'), path.join(root, 'deploy'), { recursive: true })
    copied = { bin: path.join(root, 'bin'), deploy: path.join(root, 'deploy') }
  }
  return copied
}

export const binary = name => path.join(installation().bin, name)
// 'bin/NAME' or 'deploy/NAME', where the user of the handlers may read it.
export const placeOf = name => path.join(installation()[name.split('/')[0]], ...name.split('/').slice(1))

// --- the store ---------------------------------------------------------------------------------------------------------

export const USES_SQLITE = process.env.QUIVER_STORE !== 'dynamodb'
const tables = new Set()
let dynamodb

// Its settings, without STORE.  It is waited for without giving way: makeRoot() and the like do not.
export function startStore () {
  const file = path.join(temporaryFolder(), 'port')
  const out = fs.openSync(file, 'w')
  const child = spawn(process.execPath, [path.join(TOP, 'tests/stack/dynamodb_server.mjs')], { stdio: ['pipe', out, 'inherit'] })
  fs.closeSync(out)
  child.unref()
  child.stdin.unref()
  cleanUp(() => child.kill('SIGKILL'))
  const deadline = Date.now() + 30000
  let port = ''
  while (!port.endsWith('\n')) {
    if (Date.now() > deadline) throw new Error('dynamodb_server.mjs names no port')
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10)
    port = fs.readFileSync(file, 'utf8')
  }
  return {
    AWS_REGION: 'eu-west-1', AWS_ACCESS_KEY_ID: 'AKIDQUIVERTEST', AWS_SECRET_ACCESS_KEY: 'a-secret-of-the-tests-alone',
    DYNAMODB_ENDPOINT: `http://127.0.0.1:${port.trim()}`
  }
}

// Which store a folder's handlers have; its table is made when it is first asked for.
function storeOf (root) {
  if (USES_SQLITE) return {}
  dynamodb ??= startStore()
  const name = path.basename(root.root)
  const found = { ...dynamodb, STORE: `dynamodb:${name}` }
  if (!tables.has(name)) {
    tables.add(name)
    const made = runToEnd(binary('auth'), ['--create-table'], settings(root))
    if (made.code !== 0) throw new Error(`auth --create-table: ${made.stderr}`)
  }
  return found
}

// What the handlers run with: nothing of whoever runs the tests but what a process needs.
function settings (root, env = {}) {
  const clean = Object.fromEntries(['PATH', 'HOME', 'LANG', 'TZ', 'ASAN_OPTIONS', 'UBSAN_OPTIONS', 'TSAN_OPTIONS', 'LSAN_OPTIONS']
    .filter(name => process.env[name] !== undefined).map(name => [name, process.env[name]]))
  return {
    ...clean, STATE_DIR: root.state, LIMITS: root.limits, ENVIRONMENT: 'development', OWNER_EMAIL: OWNER.email, OWNER_PASSWORD: OWNER.password, ...storeOf(root), ...env
  }
}

// root/state, root/run, root/state/log, and limits that no test but those of limits meets.
export function makeRoot () {
  const root = temporaryFolder()
  const folders = { state: path.join(root, 'state'), run: path.join(root, 'run'), log: path.join(root, 'state/log') }
  for (const folder of [folders.state, folders.run, folders.log, path.join(folders.run, 'uploads')]) {
    fs.mkdirSync(folder, { recursive: true })
    handOver(folder)
  }
  // Readable wherever the checkout is.
  const limits = path.join(root, 'limits.json')
  fs.copyFileSync(path.join(TOP, 'tests/stack/limits.json'), limits)
  return { root, limits, ...folders }
}

function runToEnd (command, args, env) {
  const r = spawnSync(command, args, { env, encoding: 'utf8', timeout: 60000, cwd: '/', ...unprivileged })
  return { code: r.status, signal: r.signal, stdout: r.stdout, stderr: r.stderr }
}

export function runHandler (name, args, env = {}, root = makeRoot()) {
  return runToEnd(binary(name), args, settings(root, env))
}

// --- HTTP ------------------------------------------------------------------------------------------------------------

function bodyBytes (body) {
  if (body === undefined || Buffer.isBuffer(body)) return body
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
}

export async function httpRequest (url, target, options = {}) {
  try {
    return await httpRequestOnce(url, target, options)
  } catch (error) {
    // A server may close an idle connection just when it is used again: a client
    // sends the request once more on another (RFC 9112, 9.3.1 and 9.5).
    if (error.code !== 'ECONNRESET' || !error.reused) throw error
    return httpRequestOnce(url, target, options)
  }
}

function httpRequestOnce (url, target, { method = 'GET', headers = {}, body, chunked, agent, timeoutMs = 90000 } = {}) {
  const { hostname, port } = new URL(url)
  const bytes = bodyBytes(body)
  const given = Array.isArray(headers) ? headers : Object.entries(headers)
  const has = name => given.some(([k]) => k.toLowerCase() === name)
  const list = [...given]
  if (!has('host')) list.push(['Host', `${hostname}:${port}`])
  if (bytes !== undefined && !has('content-length') && !has('transfer-encoding')) list.push(['Content-Length', String(bytes.length)])
  if (body !== undefined && !has('content-type')) list.push(['Content-Type', 'application/json'])
  if (chunked && !has('transfer-encoding')) list.push(['Transfer-Encoding', 'chunked'])
  return new Promise((resolve, reject) => {
    const request = http.request({ hostname, port, path: target, method, headers: list.flat(), agent: agent ?? false, setHost: false })
    request.setTimeout(timeoutMs, () => request.destroy(new Error(`${method} ${target}: no answer within ${timeoutMs} ms`)))
    request.once('error', error => reject(Object.assign(error, { reused: request.reusedSocket })))
    request.once('response', response => {
      const parts = []
      response.on('data', part => parts.push(part))
      response.once('error', reject)
      response.once('end', () => resolve(makeReply(response, Buffer.concat(parts))))
    })
    if (chunked) for (const piece of chunked) request.write(piece)
    request.end(bytes)
  })
}

function makeReply ({ statusCode, headers, rawHeaders }, body) {
  return { status: statusCode, headers, rawHeaders, body, text: body.toString(), json: () => JSON.parse(body.toString()) }
}

// The bytes as they are; resolves with all that came until the server closed, or `untilMatch` was seen.
export function rawHttp (url, bytes, { untilMatch, timeoutMs = 20000, half = true } = {}) {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const parts = []
    const socket = net.connect({ host: hostname, port: Number(port), allowHalfOpen: true })
    const done = () => { socket.destroy(); resolve(Buffer.concat(parts)) }
    socket.setTimeout(timeoutMs, () => { socket.destroy(); reject(new Error(`no end within ${timeoutMs} ms: ${Buffer.concat(parts)}`)) })
    socket.once('connect', () => { socket.write(bytes); if (!half) socket.end() })
    socket.on('data', part => {
      parts.push(part)
      if (untilMatch && untilMatch.test(Buffer.concat(parts).toString('latin1'))) done()
    })
    socket.once('end', done)
    socket.once('error', error => parts.length ? done() : reject(error))
  })
}

// --- a handler alone -------------------------------------------------------------------------------------------------

export async function startHandler (name, { env = {}, root = makeRoot(), args } = {}) {
  const socket = path.join(root.run, `${name}-${randomBytes(3).toString('hex')}.sock`)
  const file = path.join(root.log, `${path.basename(socket)}.log`)
  const stderr = fs.openSync(file, 'a')
  const child = start(binary(name), args ?? ['--listen', socket], { env: settings(root, env), stderr })
  fs.closeSync(stderr)
  const handler = {
    name, socket, child, pid: child.pid, ...root, exited: child.exited,
    stderr: () => fs.readFileSync(file, 'utf8'),
    stop: async signal => {
      const ended = await end(child, signal)
      if (fs.existsSync(file)) noSanitizerSpoke(handler.stderr())
      return ended
    },
    fcgi: (given, options) => fcgi(socket, given, options)
  }
  if (!args) {
    await until(`${name} listens (${handler.stderr()})`, () => {
      if (!running(child)) throw Object.assign(new Error(`it ended: ${handler.stderr()}`), { fatal: true })
      return fs.existsSync(socket) && fcgi(socket, cgi('GET', '/'))
    })
  }
  return handler
}

// --- a web server with all handlers --------------------------------------------------------------------------------------

const COMMANDS = {
  lighttpd: { run: conf => ['lighttpd', ['-D', '-f', conf]], stop: 'SIGINT', starts: true },
  'apache-proxy': { run: conf => ['apache2', ['-f', conf, '-D', 'FOREGROUND']], stop: 'SIGTERM' },
  'apache-fcgid': { run: conf => ['apache2', ['-f', conf, '-D', 'FOREGROUND']], stop: 'SIGTERM', starts: true },
  nginx: { run: conf => ['nginx', ['-c', conf, '-g', 'daemon off;']], stop: 'SIGQUIT' }
}

export function configure (kind, { state, run }, port, handlers, env, processes = 1) {
  const { bin, deploy } = installation()
  const args = [kind, '--bin', bin, '--state', state, '--run', run, '--port', String(port), '--handlers', handlers.join(' '), '--processes', String(processes)]
  const r = spawnSync(path.join(deploy, 'configure'), args, { encoding: 'utf8', env: { PATH: process.env.PATH, ...env }, ...unprivileged })
  if (r.status !== 0) throw new Error(`deploy/configure ${kind}: ${r.stderr}`)
  return r.stdout
}

// What ASan, UBSan and LSan say ends in the log of a build that has them.
function noSanitizerSpoke (text) {
  const at = text.search(/^=+\d+=+ERROR: \w+Sanitizer|^.*: runtime error: /m)
  if (at >= 0) throw new Error(text.slice(at, at + 4000))
}

class Stack {
  request (target, options) { return httpRequest(this.url, target, options) }
  raw (bytes, options) { return rawHttp(this.url, bytes, options) }

  async signIn () {
    const reply = await this.request('/v1/auth/login', { method: 'POST', body: OWNER })
    if (reply.status !== 200) throw new Error(`sign-in: ${reply.status} ${reply.text}`)
    return reply.json().access_token
  }

  async as (token, target, options = {}) {
    return this.request(target, { ...options, headers: { Authorization: `Bearer ${token}`, ...options.headers } })
  }

  pids () {
    const found = {}
    const walk = pid => {
      for (const child of childrenOf(pid)) {
        let command
        try { command = commandOf(child) } catch { continue }   // it has ended meanwhile
        const name = this.handlers.find(h => command === h)
        if (name) (found[name] ??= []).push(child)
        else walk(child)
      }
    }
    walk(this.server.pid)
    for (const h of this.started) if (running(h.child)) (found[h.name] ??= []).push(h.pid)
    return found
  }

  logText () {
    return fs.readdirSync(this.log).filter(f => /^quiver|\.sock\.log$/.test(f))
      .map(f => fs.readFileSync(path.join(this.log, f), 'utf8')).join('')
  }

  logLines () {
    return this.logText().split('\n').filter(line => line !== '').map(line => {
      const o = JSON.parse(line)
      if (o === null || typeof o !== 'object' || Array.isArray(o)) throw new Error(`no JSON object: ${line}`)
      return o
    })
  }

  // Starts the web server again when it was killed: all stays where it was but the port.
  restart () { return serve(this, this, this.env, this.processes) }

  async stop () {
    if (this.external || this.stopped) return
    this.stopped = true
    await end(this.server, COMMANDS[this.kind].stop)
    for (const h of this.started) await h.stop()
    noSanitizerSpoke(this.logText())
    fs.rmSync(this.root, { recursive: true, force: true })
  }
}

async function startBehind (stack, root, env) {
  if (COMMANDS[stack.kind].starts) return []
  const started = []
  for (const name of stack.handlers) {
    const socket = path.join(root.run, `${name}.sock`)
    const file = path.join(root.log, `${name}.sock.log`)
    const stderr = fs.openSync(file, 'a')
    const child = start(binary(name), ['--listen', socket], { env, stderr })
    fs.closeSync(stderr)
    started.push({ name, socket, child, pid: child.pid, stop: signal => end(child, signal) })
  }
  for (const h of started) {
    await until(`${h.name} listens`, () => {
      if (!running(h.child)) throw Object.assign(new Error(`${h.name} ended: ${stack.logText()}`), { fatal: true })
      return fs.existsSync(h.socket)
    })
  }
  return started
}

async function serveOnce (stack, root, env, processes) {
  const port = await freePort()
  const conf = path.join(root.root, `${stack.kind}.conf`)
  fs.writeFileSync(conf, stack.edit(configure(stack.kind, root, port, stack.handlers, env, processes)))
  const [command, args] = COMMANDS[stack.kind].run(conf)
  const file = path.join(root.root, 'server.err')
  const stderr = fs.openSync(file, 'w')
  stack.server = start(command, args, { env, stderr })
  fs.closeSync(stderr)
  stack.url = `http://127.0.0.1:${port}`
  await until(`${stack.kind} answers`, async () => {
    if (!running(stack.server)) return true
    return (await httpRequest(stack.url, '/health', { timeoutMs: 5000 })).status === 200
  }, 30000)
  if (running(stack.server)) return
  const why = fs.readFileSync(file, 'utf8') + ['lighttpd', 'apache', 'nginx', 'quiver'].map(name => path.join(root.log, `${name}.log`))
    .filter(f => fs.existsSync(f)).map(f => fs.readFileSync(f, 'utf8')).join('')
  throw new Error(`${stack.kind} ended: ${why}`)
}

// A port that was free may be taken a moment later.
async function serve (stack, root, env, processes) {
  for (let attempt = 1; ; attempt++) {
    try { return await serveOnce(stack, root, env, processes) } catch (e) {
      if (attempt === 3 || !/in use/i.test(e.message)) throw e
    }
  }
}

export async function startStack (kind, { env = {}, handlers = HANDLERS, processes = 1, edit = conf => conf } = {}) {
  const stack = new Stack()
  if (process.env.QUIVER_URL) return Object.assign(stack, { kind: 'external', external: true, url: process.env.QUIVER_URL, handlers, started: [] })
  const root = makeRoot()
  const all = settings(root, env)
  Object.assign(stack, { kind, handlers, processes, edit, env: all, external: false, ...root })
  if (handlers.includes('auth')) {
    const setup = runToEnd(binary('auth'), ['--setup'], all)
    if (setup.code !== 0) throw new Error(`auth --setup: ${setup.stderr}`)
  }
  stack.started = await startBehind(stack, root, all)
  await serve(stack, root, all, processes)
  return stack
}

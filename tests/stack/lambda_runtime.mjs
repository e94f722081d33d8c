// Lambda's Runtime API, for tests and for deploy/lambda/invoke: a sandbox is one process
// that asks for events one at a time, is frozen between them, killed at its deadline and
// replaced when it ends.
//
//   startRuntime(options)     → Runtime.  Options:
//                               root       the package, unpacked; bootstrap is in it
//                               env        settings of the function
//                               timeoutMs  of an invocation (3000)
//                               initMs     of a start (10000)
//                               freeze     stop the processes between events (true)
//                               leave      do not end what a bootstrap that has ended left (false)
//                               user       { uid, gid } to run as
//                               stderr     called with what the function writes
//   runtime.invoke(event)     → Result; event: anything JSON, or text; another waits its turn
//   Result                    { error: { errorType, errorMessage } | undefined, text, json(), streamed, initMs, ms }
//                               initMs: only when a sandbox was started for it
//                               streamed: { prelude, body, pieces, trailers, whole } of a reply in pieces
//   runtime.initErrors        what was posted to /init/error
//   runtime.pid               of the bootstrap; undefined when none runs
//   runtime.started           how many sandboxes there were
//   runtime.states()          the state letters of its processes, as /proc has them
//   runtime.cut()             breaks the connection that waits for an event
//   runtime.stop()            SIGTERM → { code, signal, ms }
import { spawn } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import fs from 'node:fs'
import http from 'node:http'
import path from 'node:path'

const REPLY_MAX = 6291556
const ARN = 'arn:aws:lambda:eu-west-1:123456789012:function:quiver'
const PATHS = /^\/2018-06-01\/runtime\/(?:(invocation\/next)|invocation\/([\w-]+)\/(response|error)|(init\/error))$/

const traceId = () => `Root=1-${Math.floor(Date.now() / 1000).toString(16)}-${randomBytes(12).toString('hex')};Parent=${randomBytes(8).toString('hex')};Sampled=1`

// What Lambda gives a function of provided.al2023, and nothing of whoever runs this.
const environment = (root, api, env) => ({
  AWS_LAMBDA_RUNTIME_API: api, LAMBDA_TASK_ROOT: root, LAMBDA_RUNTIME_DIR: '/var/runtime', _HANDLER: 'bootstrap',
  AWS_REGION: 'eu-west-1', AWS_DEFAULT_REGION: 'eu-west-1', AWS_LAMBDA_FUNCTION_NAME: 'quiver', AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
  AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '256', AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand', AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/quiver',
  AWS_EXECUTION_ENV: 'AWS_Lambda_provided.al2023', TZ: ':UTC', LANG: 'en_US.UTF-8', PATH: '/usr/local/bin:/usr/bin/:/bin:/opt/bin',
  LD_LIBRARY_PATH: `/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:${root}:${root}/lib:/opt/lib`, ...env
})

const read = async stream => {
  const pieces = []
  for await (const piece of stream) pieces.push(piece)
  return pieces
}

const asJson = bytes => { try { return JSON.parse(bytes) } catch { return { errorType: 'Unreadable', errorMessage: String(bytes) } } }

function splitStream (pieces, trailers, whole) {
  const all = Buffer.concat(pieces)
  const end = all.indexOf(Buffer.alloc(8))
  return { prelude: JSON.parse(all.subarray(0, end)), body: all.subarray(end + 8), pieces, trailers, whole }
}

class Sandbox {
  constructor (options) {
    this.options = options
    this.ended = new Promise(resolve => { this.end = resolve })
    this.server = http.createServer((request, response) => this.answer(request, response).catch(() => request.destroy()))
    Object.assign(this.server, { requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 0 })
  }

  start () {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject)
      this.server.listen(0, '127.0.0.1', () => { this.run(); resolve() })
    })
  }

  run () {
    const { root, env, user, stderr, initMs = 10000 } = this.options
    this.began = performance.now()
    this.child = spawn(path.join(root, 'bootstrap'), [], {
      cwd: root, detached: true, stdio: ['ignore', 'pipe', 'pipe'], ...user,
      env: environment(root, `127.0.0.1:${this.server.address().port}`, env)
    })
    for (const stream of [this.child.stdout, this.child.stderr]) stream.on('data', stderr ?? (() => {}))
    this.child.once('error', error => this.gone(null, error.message))
    this.child.once('exit', (code, signal) => this.gone(code, signal))
    this.initTimer = setTimeout(() => {
      this.finish({ error: { errorType: 'Sandbox.Timedout', errorMessage: `init took more than ${initMs} ms` } })
      this.signal('SIGKILL')
    }, initMs)
  }

  signal (name) { try { process.kill(-this.child.pid, name) } catch {} }

  gone (code, signal) {
    if (this.dead) return
    this.dead = true
    clearTimeout(this.initTimer)
    this.finish({ error: this.initError ?? { errorType: 'Runtime.ExitError', errorMessage: `exit ${code ?? signal}` } })
    if (!this.options.leave) for (const name of ['SIGCONT', 'SIGKILL']) this.signal(name)
    this.server.closeAllConnections()
    this.server.close()
    this.end({ code, signal })
  }

  invoke (event) {
    return new Promise(resolve => {
      this.turn = { id: randomUUID(), event: typeof event === 'string' || Buffer.isBuffer(event) ? event : JSON.stringify(event), resolve }
      if (this.dead) this.finish({ error: { errorType: 'Runtime.ExitError', errorMessage: 'it has ended' } })
      else this.hand()
    })
  }

  // Gives the event to who waits for one.
  hand () {
    if (!this.waiting || !this.turn || this.turn.handed) return
    const { timeoutMs = 3000 } = this.options
    const response = this.waiting
    this.waiting = undefined
    this.signal('SIGCONT')
    this.turn.handed = performance.now()
    this.timer = setTimeout(() => {
      this.finish({ error: { errorType: 'Sandbox.Timedout', errorMessage: `Task timed out after ${(timeoutMs / 1000).toFixed(2)} seconds` } })
      this.signal('SIGKILL')
    }, timeoutMs)
    response.writeHead(200, {
      'Content-Type': 'application/json', 'Lambda-Runtime-Aws-Request-Id': this.turn.id, 'Lambda-Runtime-Deadline-Ms': String(Date.now() + timeoutMs),
      'Lambda-Runtime-Invoked-Function-Arn': ARN, 'Lambda-Runtime-Trace-Id': traceId()
    })
    response.end(this.turn.event)
  }

  finish (result) {
    clearTimeout(this.timer)
    const turn = this.turn
    this.turn = undefined
    if (!turn) return
    const initMs = this.told ? undefined : this.initMs
    this.told = true
    turn.resolve({ ms: performance.now() - (turn.handed ?? performance.now()), id: turn.id, initMs, json () { return JSON.parse(this.text) }, ...result })
  }

  async answer (request, response) {
    const [, next, id, what, init] = PATHS.exec(request.url) ?? []
    const say = (status, body) => { response.writeHead(status, { 'Content-Type': 'application/json' }); response.end(JSON.stringify(body)) }
    if (next) return this.wait(response)
    if (init) {
      this.initError = asJson(Buffer.concat(await read(request)))
      this.options.initErrors.push(this.initError)
      return say(202, { status: 'OK' })
    }
    if (!id) return say(404, { errorType: 'NotFound', errorMessage: request.url })
    if (id !== this.turn?.id) return say(400, { errorType: 'InvalidRequestID', errorMessage: 'Invalid request ID' })
    if (request.headers['lambda-runtime-function-response-mode'] === 'streaming') return this.takeStream(request, say)
    const body = Buffer.concat(await read(request))
    if (body.length > REPLY_MAX) {
      say(413, { errorType: 'RequestEntityTooLarge', errorMessage: `Exceeded maximum allowed payload size (${REPLY_MAX} bytes).` })
      return this.finish({ error: { errorType: 'Function.ResponseSizeTooLarge', errorMessage: `${body.length} bytes` } })
    }
    say(202, { status: 'OK' })
    this.finish(what === 'error' ? { error: asJson(body), type: request.headers['lambda-runtime-function-error-type'] } : { text: body.toString(), bytes: body.length })
  }

  async takeStream (request, say) {
    let pieces = []
    try { pieces = await read(request) } catch {}
    say(202, { status: 'OK' })
    const error = request.trailers['lambda-runtime-function-error-type']
    this.finish({ streamed: splitStream(pieces, request.trailers, request.complete && !error) })
  }

  wait (response) {
    clearTimeout(this.initTimer)
    this.initMs ??= performance.now() - this.began
    this.waiting = response
    response.once('close', () => { if (this.waiting === response) this.waiting = undefined })
    this.hand()
    if (this.waiting && this.options.freeze !== false && !this.stopping) this.signal('SIGSTOP')
  }
}

export class Runtime {
  constructor (options) {
    this.options = { ...options, initErrors: [] }
    this.turns = Promise.resolve()
    this.started = 0
  }

  get initErrors () { return this.options.initErrors }
  get pid () { return this.sandbox && !this.sandbox.dead ? this.sandbox.child.pid : undefined }

  invoke (event) {
    const result = this.turns.then(() => this.invokeNow(event))
    this.turns = result.catch(() => {})
    return result
  }

  async invokeNow (event) {
    if (!this.sandbox || this.sandbox.dead) {
      this.sandbox = new Sandbox(this.options)
      this.started++
      await this.sandbox.start()
    }
    const result = await this.sandbox.invoke(event)
    // One that was killed, or ended by itself, is not asked again.
    if (result.error && /^(Sandbox\.Timedout|Runtime\.ExitError|Runtime\.InitError)$/.test(result.error.errorType)) await this.sandbox.ended
    return result
  }

  // Of the bootstrap and what it started.
  states () {
    const states = []
    for (const entry of fs.readdirSync('/proc').filter(name => /^\d+$/.test(name))) {
      try {
        const stat = fs.readFileSync(`/proc/${entry}/stat`, 'utf8')
        const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
        if (Number(group) === this.pid) states.push(state)
      } catch {}
    }
    return states
  }

  cut () {
    const { waiting } = this.sandbox
    this.sandbox.waiting = undefined
    waiting?.socket.destroy()
  }

  async stop () {
    const began = performance.now()
    if (this.pid === undefined) return { code: null, signal: null, ms: 0 }
    this.sandbox.stopping = true
    this.sandbox.signal('SIGCONT')
    this.sandbox.child.kill('SIGTERM')
    const timer = setTimeout(() => this.sandbox.signal('SIGKILL'), 5000)
    const end = await this.sandbox.ended
    clearTimeout(timer)
    return { ...end, ms: performance.now() - began }
  }

  // For a process that ends now.
  kill () { if (this.pid !== undefined) this.sandbox.signal('SIGKILL') }
}

export const startRuntime = options => new Runtime(options)

// deploy/lambda/invoke and deploy/lambda/serve: a package, unpacked into a folder of its
// own and run by the Runtime API of the tests, with nothing of this environment.
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import http from 'node:http'
import os from 'node:os'
import path from 'node:path'
import { randomUUID } from 'node:crypto'
import { startRuntime } from '../../tests/stack/lambda_runtime.mjs'

const USAGE = {
  invoke: `usage: deploy/lambda/invoke [--env NAME=VALUE]… [--timeout MS] PACKAGE EVENT.json
Sends an event to a package twice: cold, as after its deployment, and warm.`,
  serve: `usage: deploy/lambda/serve [--env NAME=VALUE]… [--timeout MS] [--port N] PACKAGE
Puts a package behind HTTP, as an HTTP API would; --port 0, the default, is a free one.`
}

const [what, ...args] = process.argv.slice(2)

function fail (message, status = 64) {
  console.error(message)
  process.exit(status)
}

function readArguments () {
  const options = { env: {}, timeoutMs: 30000, port: 0, rest: [] }
  for (let i = 0; i < args.length; i++) {
    const value = () => args[++i] ?? fail(USAGE[what])
    if (args[i] === '--help' || args[i] === '-h') { console.log(USAGE[what]); process.exit(0) }
    if (args[i] === '--env') {
      const text = value()
      const at = text.indexOf('=')
      if (at < 1) fail(`--env ${text}: expected NAME=VALUE`)
      options.env[text.slice(0, at)] = text.slice(at + 1)
    } else if (args[i] === '--timeout') options.timeoutMs = Number(value())
    else if (args[i] === '--port') options.port = Number(value())
    else if (args[i].startsWith('-')) fail(USAGE[what])
    else options.rest.push(args[i])
  }
  if (options.rest.length !== (what === 'invoke' ? 2 : 1) || !(options.timeoutMs > 0) || !(options.port >= 0)) fail(USAGE[what])
  return options
}

function unpack (file) {
  if (!fs.existsSync(file)) fail(`there is no ${file}`, 66)
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'quiver-lambda-'))
  process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }))
  const root = path.join(folder, 'task')
  const unzip = spawnSync('unzip', ['-q', file, '-d', root], { encoding: 'utf8' })
  if (unzip.status !== 0) fail(unzip.error?.message ?? unzip.stderr, 65)
  return { root, runDir: path.join(folder, 'run') }
}

function start ({ rest, env, timeoutMs }) {
  const { root, runDir } = unpack(rest[0])
  const runtime = startRuntime({ root, timeoutMs, env: { LAMBDA_RUN_DIR: runDir, ...env }, stderr: bytes => process.stderr.write(bytes) })
  process.on('exit', () => runtime.kill())
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, async () => { await runtime.stop(); process.exit(0) })
  return runtime
}

const ms = n => `${n.toFixed(1)} ms`

async function invoke (options) {
  const event = fs.readFileSync(options.rest[1])
  const runtime = start(options)
  const cold = await runtime.invoke(event)
  const warm = await runtime.invoke(event)
  await runtime.stop()
  if (cold.error) fail(JSON.stringify(cold.error), 1)
  console.log(cold.streamed ? JSON.stringify(cold.streamed.prelude) + '\n' + cold.streamed.body : cold.text)
  console.error(`cold: init ${ms(cold.initMs)}, duration ${ms(cold.ms)}\nwarm: duration ${ms(warm.ms)}`)
  return warm.error ? 1 : 0
}

// What an HTTP API makes of a request.
async function eventOf (request) {
  const pieces = []
  for await (const piece of request) pieces.push(piece)
  const body = Buffer.concat(pieces)
  const url = new URL(request.url, 'http://localhost')
  const { cookie, ...headers } = request.headers
  const text = /^(text\/|application\/(json|xml|javascript|x-www-form-urlencoded|[\w.-]+\+json))/.test(headers['content-type'] ?? '')
  const at = request.url.indexOf('?')
  return {
    version: '2.0', routeKey: '$default', rawPath: at < 0 ? request.url : request.url.slice(0, at), rawQueryString: at < 0 ? '' : request.url.slice(at + 1),
    cookies: cookie?.split('; '), headers, isBase64Encoded: body.length > 0 && !text,
    body: body.length ? body.toString(text ? 'utf8' : 'base64') : undefined,
    requestContext: {
      accountId: '123456789012', apiId: 'local', domainName: headers.host ?? 'localhost', domainPrefix: 'local', requestId: randomUUID(), routeKey: '$default', stage: '$default',
      http: { method: request.method, path: url.pathname, protocol: `HTTP/${request.httpVersion}`, sourceIp: request.socket.remoteAddress.replace(/^::ffff:/, ''), userAgent: headers['user-agent'] ?? '' },
      time: new Date().toUTCString(), timeEpoch: Date.now()
    }
  }
}

function put (response, { statusCode, headers, cookies }, body) {
  response.statusCode = statusCode
  for (const [name, value] of Object.entries(headers ?? {})) response.setHeader(name, value)
  if (cookies) response.setHeader('Set-Cookie', cookies)
  response.end(body)
}

async function serve (options) {
  const runtime = start(options)
  const server = http.createServer(async (request, response) => {
    const result = await runtime.invoke(await eventOf(request))
    if (result.error) return put(response, { statusCode: 500, headers: { 'Content-Type': 'application/json' } }, '{"message":"Internal Server Error"}')
    if (result.streamed) return put(response, result.streamed.prelude, result.streamed.body)
    const reply = result.json()
    put(response, reply, Buffer.from(reply.body ?? '', reply.isBase64Encoded ? 'base64' : 'utf8'))
  })
  await new Promise(resolve => server.listen(options.port, '127.0.0.1', resolve))
  console.log(`http://127.0.0.1:${server.address().port}`)
}

if (what === 'invoke') process.exit(await invoke(readArguments()))
else await serve(readArguments())

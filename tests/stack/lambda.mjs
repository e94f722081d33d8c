// A Lambda function of the tests: the bootstrap that was built, in a folder as a package
// would be unpacked.
//
//   makeFunction(options)  → { runtime, root, log(), lines() }.  Options, beside startRuntime's:
//                            table   lines "PREFIX EXECUTABLE…"; default: all handlers, by their --prefixes
//   PROGRAM                the words of a table that start lambda_program.mjs
//   sample(name)           an event of events/
//   httpEvent(method, path, options)  one of an HTTP API.  Options: headers, body, base64, query, cookies
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { binary, BUILD, cleanUp, HANDLERS, handOver, makeRoot, OWNER, runHandler, TOP, unprivileged } from './harness.mjs'
import { startRuntime } from './lambda_runtime.mjs'

export const sample = name => JSON.parse(fs.readFileSync(path.join(TOP, 'events', `${name}.json`), 'utf8'))

// Where whoever runs it may read it.
function programAt (root) {
  for (const name of ['lambda_program.mjs', 'lambda_records.mjs']) fs.copyFileSync(path.join(TOP, 'tests/stack', name), path.join(root, name))
  return `${process.execPath} ${path.join(root, 'lambda_program.mjs')}`
}

function tableOfHandlers () {
  return HANDLERS.flatMap(name => spawnSync(binary(name), ['--prefixes'], { encoding: 'utf8' }).stdout.trim().split('\n')
    .map(prefix => `${prefix} ${binary(name)}`)).join('\n')
}

export function makeFunction ({ table, env, ...options } = {}) {
  const folders = makeRoot()
  const { root, state, run, limits } = folders
  // Who is owner is settled where the store is made, not in a function.
  if (!table) runHandler('auth', ['--setup'], {}, folders)
  fs.chmodSync(root, 0o755)
  fs.copyFileSync(path.join(BUILD, 'lambda/bootstrap'), path.join(root, 'bootstrap'))
  const program = programAt(root)
  fs.writeFileSync(path.join(root, 'handlers'), (table ?? tableOfHandlers()).replaceAll('PROGRAM', program))
  const folder = path.join(run, 'lambda')
  fs.mkdirSync(folder, { mode: 0o700 })
  handOver(folder)
  const said = []
  const runtime = startRuntime({
    root, user: unprivileged, stderr: bytes => said.push(bytes),
    env: { LAMBDA_RUN_DIR: folder, STATE_DIR: state, LIMITS: limits, OWNER_EMAIL: OWNER.email, OWNER_PASSWORD: OWNER.password, ...env },
    ...options
  })
  cleanUp(() => runtime.kill())
  const log = () => Buffer.concat(said).toString()
  return { runtime, root, log, lines: () => log().trim().split('\n').filter(Boolean).map(line => JSON.parse(line)) }
}

export function httpEvent (method, target, { headers = {}, body, base64 = false, query = '', cookies } = {}) {
  const event = sample('http-api/get-health')
  Object.assign(event, { rawPath: target, rawQueryString: query, cookies, isBase64Encoded: base64, body })
  delete event.headers['accept-encoding']
  Object.assign(event.headers, headers)
  Object.assign(event.requestContext.http, { method, path: target })
  return event
}

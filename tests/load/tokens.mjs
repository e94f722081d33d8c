// What tokens cost: one that was never seen before, and what honest clients notice of forgers.
//   fresh token   CPU of the handler for a request whose token is new to it (another issuer's, whose keys
//                 it has), and how much of that is the token: less a request with a token that it knows.
//   forged        the rate of 16 clients whose token is remembered, beside 64 who send well-formed tokens
//                 with a wrong signature, against their rate beside 64 who send no token
import { spawn } from 'node:child_process'
import { generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import http from 'node:http'

const encode = value => Buffer.from(JSON.stringify(value)).toString('base64url')
const TICKS_PER_S = 100         // USER_HZ, the same on every Linux

export async function startIssuer () {
  const keys = {
    RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }), ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    EdDSA: generateKeyPairSync('ed25519')
  }
  const set = Object.entries(keys).map(([alg, pair]) => ({ ...pair.publicKey.export({ format: 'jwk' }), alg, kid: alg }))
  const server = http.createServer((_, response) => response.end(JSON.stringify({ keys: set })))
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${server.address().port}`
  return {
    setting: JSON.stringify([{ issuer, audience: 'bench', jwks_uri: `${issuer}/keys` }]),
    token (alg) {
      const now = Math.floor(Date.now() / 1000)
      const text = `${encode({ alg, kid: alg, typ: 'at+jwt' })}.${encode({ iss: issuer, aud: 'bench', sub: randomUUID(), iat: now, exp: now + 3600, jti: randomUUID() })}`
      return `${text}.${sign(alg === 'EdDSA' ? null : 'sha256', Buffer.from(text), { key: keys[alg].privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
    },
    stop: () => server.close()
  }
}

function cpuSeconds (pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S
}

// Each of these once, over a few connections.
async function sendAll (url, tokens) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 8 })
  const one = token => new Promise((resolve, reject) => {
    http.get(url, { agent, headers: { authorization: `Bearer ${token}` } }, reply => {
      reply.resume().once('end', () => reply.statusCode === 200 ? resolve() : reject(new Error(`${url}: ${reply.statusCode}`)))
    }).once('error', reject)
  })
  let next = 0
  await Promise.all(Array.from({ length: 8 }, async () => { while (next < tokens.length) await one(tokens[next++]) }))
  agent.destroy()
}

// Microseconds of `pid` a request, and of its token, by algorithm.
export async function freshTokens (issuer, url, pid, count = 4000) {
  const costOf = async tokens => {
    const before = cpuSeconds(pid)
    await sendAll(url, tokens)
    return (cpuSeconds(pid) - before) / tokens.length * 1e6
  }
  const cost = {}
  for (const alg of ['RS256', 'ES256', 'EdDSA']) {
    const tokens = Array.from({ length: count }, () => issuer.token(alg))
    const known = tokens.splice(0, 50)
    await sendAll(url, known)
    const request = await costOf(tokens)
    cost[alg] = { request, token: request - await costOf(Array(count).fill(known[0])) }
  }
  return cost
}

// The token with its signature changed, well-formed otherwise.
const forge = token => token.slice(0, -20) + (token.at(-20) === 'A' ? 'B' : 'A') + token.slice(-19)

// Runs `measure` while 64 clients ask for the same with these headers.
async function beside (url, headers, seconds, measure) {
  const args = ['-t1', '-c64', `-d${seconds + 2}s`, ...headers.flatMap(h => ['-H', h]), url]
  const child = spawn('wrk', args, { stdio: 'ignore' })
  const gone = new Promise(resolve => child.once('exit', resolve))
  await new Promise(resolve => setTimeout(resolve, 500))
  const result = measure()
  child.kill('SIGINT')
  await gone
  return result
}

// The honest rate beside forgers, as a share of that beside clients without a token.
export async function forgedTokens (issuer, url, seconds, turns, measure) {
  const ratios = []
  for (let i = 0; i < turns; i++) {
    const calm = await beside(url, [], seconds, measure)
    const busy = await beside(url, [`Authorization: Bearer ${forge(issuer.token('RS256'))}`], seconds, measure)
    ratios.push(busy.rate / calm.rate)
  }
  return ratios.sort((a, b) => a - b)[Math.floor(turns / 2)]
}

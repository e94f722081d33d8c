// What DynamoDB would charge for a call, in its published units:
// - read: 1 for each 4 KB that must be as it is now, half of that when it may be as it was a moment ago; a Query and a Scan
//   by the sum of what they looked at, anything else item by item, and one that is not there as the smallest;
// - write: 1 for each 1 KB of the larger of before and after; twice that in a transaction, a condition alone too;
// - index: 1 for each 1 KB of an item that the index gets, loses or has changed; 2 when its place there is another.
// Calls must come one after the other.
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const db = require('dynalite/db')

const KEYS = ['index_pk', 'index_sk']
const writeUnits = item => item ? Math.max(1, Math.ceil(db.itemSize(item) / 1024)) : 1
const readUnits = (item, consistent) => (item ? Math.max(1, Math.ceil(db.itemSize(item) / 4096)) : 1) * (consistent ? 1 : 0.5)
const isIndexed = item => item !== undefined && item !== null && KEYS.every(name => item[name])
const placeOf = item => JSON.stringify(KEYS.map(name => item[name]))

function indexUnits (before, after) {
  if (!isIndexed(before)) return isIndexed(after) ? writeUnits(after) : 0
  if (!isIndexed(after)) return writeUnits(before)
  if (placeOf(before) !== placeOf(after)) return writeUnits(before) + writeUnits(after)
  return JSON.stringify(before) === JSON.stringify(after) ? 0 : writeUnits(after)
}

// An item costs as it is, not as much of it as was asked for: all is asked for, and thrown away afterwards.
function wholeItems (data) {
  const asked = {}
  for (const [table, request] of Object.entries(data.RequestItems)) {
    asked[table] = request.ProjectionExpression?.split(',')
    delete request.ProjectionExpression
  }
  return asked
}
const pick = (item, names) => Object.fromEntries(names.filter(name => item[name]).map(name => [name, item[name]]))

let writing                     // the meter of the call that is under way
const { updateIndexes } = db
db.updateIndexes = (store, table, before, after, done) => {
  writing?.wrote(before, after)
  return updateIndexes(store, table, before, after, done)
}

export class Meter {
  totals = { calls: 0, operations: {}, read: 0, write: 0, index: 0 }
  spared = []
  factor = 1

  // Work beside the requests: queries of a partition that nobody else asks for.
  isSpared (data) {
    return this.spared.includes(data.ExpressionAttributeValues?.[':p']?.S)
  }

  wrote (before, after) {
    this.totals.write += this.factor * Math.max(writeUnits(before), writeUnits(after))
    this.totals.index += indexUnits(before, after)
  }

  begin (operation) {
    this.totals.calls++
    this.totals.operations[operation] = (this.totals.operations[operation] ?? 0) + 1
    writing = this
  }

  async take (operation, data, act) {
    if (this.isSpared(data)) return act()
    const metered = operation === 'Query' || operation === 'Scan'
    this.begin(operation)
    if (metered) data.ReturnConsumedCapacity = 'TOTAL'
    const asked = operation === 'BatchGetItem' && wholeItems(data)
    try {
      const reply = await act()
      if (operation === 'GetItem') this.totals.read += readUnits(reply.Item, data.ConsistentRead)
      if (operation === 'BatchGetItem') this.countBatch(data, reply, asked)
      if (metered) {
        this.totals.read += Math.max(reply.ConsumedCapacity.CapacityUnits, 0.5)
        delete reply.ConsumedCapacity
      }
      return reply
    } catch (e) {
      if (/ConditionalCheckFailed/.test(e.body?.__type)) this.totals.write++
      throw e
    } finally {
      writing = undefined
    }
  }

  countBatch (data, reply, asked) {
    for (const [table, { Keys, ConsistentRead }] of Object.entries(data.RequestItems)) {
      const found = reply.Responses[table] ?? []
      for (const item of found) this.totals.read += readUnits(item, ConsistentRead)
      if (asked[table]) reply.Responses[table] = found.map(item => pick(item, asked[table]))
      this.totals.read += (Keys.length - found.length) * readUnits(undefined, ConsistentRead)
    }
  }

  async transaction (act) {
    this.begin('TransactWriteItems')
    this.factor = 2
    try { return await act() } finally {
      this.factor = 1
      writing = undefined
    }
  }

  prepared (kind, item) {
    if (kind === 'ConditionCheck') this.totals.write += this.factor * writeUnits(item)
  }
}

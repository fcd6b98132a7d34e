// A flash sale as it is usually written with Node, Express and Redis: one process, a limiter in memory, and for each
// purchase three reads, one script that takes a unit, and three writes. It is what the benchmarks compare with, and
// nothing that should be copied: between its reads and its writes a second click of the same user passes.
'use strict';

const cors = require('cors');
const express = require('express');
const { rateLimit } = require('express-rate-limit');
const helmet = require('helmet');
const { createClient } = require('redis');
const { v4: uuid } = require('uuid');

const TAKE_ONE = `
local left = tonumber(redis.call('GET', KEYS[1]) or '0')
if left <= 0 then return -1 end
return redis.call('DECR', KEYS[1])
`;

const redis = createClient({ url: process.env.REDIS_URL });
const app = express();

app.use(helmet());
app.use(cors());
app.use(express.json());
app.use(
  '/api/',
  rateLimit({ windowMs: 60_000, limit: Number(process.env.LIMIT), standardHeaders: true, legacyHeaders: false }),
);

const saleKey = (id) => `sale:${id}`;
const stockKey = (id) => `stock:${id}`;
const userKey = (id, user) => `user:${user}:sale:${id}`;
const purchaseKey = (id) => `purchase:${id}`;

async function readSale(id) {
  const text = await redis.get(saleKey(id));
  if (!text) return null;
  const sale = JSON.parse(text);
  const stock = await redis.get(stockKey(id));
  sale.remainingStock = Math.max(0, Number(stock ?? 0));
  return sale;
}

function statusOf(sale, now) {
  if (now < Date.parse(sale.startTime)) return 'upcoming';
  if (now >= Date.parse(sale.endTime)) return 'ended';
  return sale.remainingStock > 0 ? 'active' : 'sold_out';
}

async function buy(userId, flashSaleId) {
  const sale = await readSale(flashSaleId);
  if (!sale) return { success: false, message: 'Flash sale not found' };
  const status = statusOf(sale, Date.now());
  if (status === 'upcoming') return { success: false, message: 'Sale has not started yet' };
  if (status === 'ended') return { success: false, message: 'Sale has ended' };
  if (await redis.get(userKey(flashSaleId, userId))) {
    return { success: false, message: 'You have already purchased this item' };
  }
  if (status === 'sold_out') return { success: false, message: 'Item is sold out' };

  const left = await redis.eval(TAKE_ONE, { keys: [stockKey(flashSaleId)] });
  if (left < 0) return { success: false, message: 'Item is sold out' };

  const purchase = {
    id: uuid(), userId, flashSaleId, quantity: 1, timestamp: new Date().toISOString(), status: 'confirmed',
  };
  await redis.set(purchaseKey(purchase.id), JSON.stringify(purchase));
  await redis.set(userKey(flashSaleId, userId), purchase.id);
  await redis.set(saleKey(flashSaleId), JSON.stringify({ ...sale, remainingStock: left }));
  return { success: true, message: 'Purchase successful!', purchaseId: purchase.id, remainingStock: left };
}

app.get('/health', (request, response) => {
  response.json({ status: 'OK', timestamp: new Date().toISOString() });
});

app.get('/api/flashsale/status/:id', async (request, response) => {
  const sale = await readSale(request.params.id);
  if (!sale) return response.status(404).json({ error: 'Flash sale not found' });
  const now = Date.now();
  const status = statusOf(sale, now);
  const answer = { ...sale, status };
  if (status === 'upcoming') answer.timeUntilStart = Date.parse(sale.startTime) - now;
  if (status === 'active') answer.timeUntilEnd = Date.parse(sale.endTime) - now;
  return response.json(answer);
});

app.post('/api/flashsale/purchase', async (request, response) => {
  const { userId, flashSaleId } = request.body ?? {};
  if (!userId || !flashSaleId) {
    return response.status(400).json({ error: 'userId and flashSaleId are required' });
  }
  const result = await buy(userId, flashSaleId);
  return response.status(result.success ? 200 : 400).json(result);
});

app.get('/api/flashsale/user/:userId/purchase/:id', async (request, response) => {
  const purchaseId = await redis.get(userKey(request.params.id, request.params.userId));
  if (!purchaseId) return response.json({ hasPurchased: false });
  const text = await redis.get(purchaseKey(purchaseId));
  return response.json({ hasPurchased: true, purchase: text ? JSON.parse(text) : undefined });
});

app.use((error, request, response, next) => {
  console.error(error);
  response.status(500).json({ error: 'Internal server error' });
});

redis.on('error', (error) => console.error('Redis:', error));
redis.connect().then(() => {
  app.listen(Number(process.env.PORT), '127.0.0.1');
});

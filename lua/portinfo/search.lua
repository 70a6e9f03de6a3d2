-- search.lua: what a search found, as a table, TSV or JSON.

local escape = require "portinfo.escape"
local json = require "portinfo.json"
local width = require "portinfo.width"

local M = {}

local function ports(hit)
  if not hit.first then return "-" end
  if hit.first == hit.last then return tostring(hit.first) end
  return ("%d-%d"):format(hit.first, hit.last)
end

-- What a hit says of itself, whether it is a record or a use.
local function cells(hit)
  local transports = #hit.transports > 0 and table.concat(hit.transports, ",") or "-"
  if hit.kind == "use" then
    return {ports(hit), transports, hit.id, "used", hit.software .. ": " .. hit.use}
  end
  return {ports(hit), transports, hit.name or "-", hit.status, hit.description or "-"}
end

local titles = {"PORT", "TRANSPORT", "NAME", "STATUS", "DESCRIPTION"}

-- A table for people; the description is cut at the edge of the screen. `screen`: width
-- (nil: any) and ascii, as render.lua has them.
function M.table(hits, screen)
  if #hits == 0 then return "" end
  screen = screen or {}
  local rows, widths = {titles}, {}
  for _, hit in ipairs(hits) do rows[#rows + 1] = cells(hit) end
  for _, row in ipairs(rows) do
    for i = 1, 4 do
      row[i] = escape(row[i], screen.ascii)
      widths[i] = math.max(widths[i] or 0, width.of(row[i]))
    end
  end
  local out = {}
  for i, row in ipairs(rows) do
    local text = ""
    for k = 1, 4 do text = text .. row[k] .. (" "):rep(widths[k] - width.of(row[k]) + 2) end
    text = text .. escape(row[5], screen.ascii)
    out[i] = screen.width and width.cut(text, screen.width, screen.ascii and "~" or "…") or text
  end
  return table.concat(out, "\n") .. "\n"
end

function M.tsv(hits)
  local out = {table.concat(titles, "\t"):lower()}
  for i, hit in ipairs(hits) do out[i + 1] = table.concat(cells(hit), "\t") end
  return table.concat(out, "\n") .. "\n"
end

function M.json(hits)
  local out = {}
  for i, hit in ipairs(hits) do
    hit.v = 1
    out[i] = json.encode(hit)
  end
  return "[" .. table.concat(out, ",\n") .. "]\n"
end

return M

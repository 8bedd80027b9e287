// Relation blocks: side tables that rows refer to, and fields that turn out to be columns of one.
#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "coordinate/coordinate.hpp"

namespace fieldfare {

namespace {

constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();
constexpr std::int64_t fewest_rows = 1024;  // below, a sweep takes no time anyway
// Visits of a table are random accesses in float64: worth it where they are far fewer than rows.
constexpr std::int64_t rows_per_visit = 4;
constexpr std::int64_t worth_sharing = 2048;  // entries, for which a meeting of threads pays

using Entry = std::pair<std::uint32_t, float>;  // feature id and value

// The entries of a code, by feature id.
void list_entries(const Block& block, std::int64_t code, std::vector<Entry>* entries) {
  if (block.kind == Block::Kind::one_hot) {
    if (code < block.n_codes - 1) entries->emplace_back(block.features[code], 1.0F);
    return;
  }
  for (std::int64_t p = block.patterns.start[code]; p < block.patterns.start[code + 1]; ++p) {
    entries->emplace_back(block.features[block.patterns.index[p]], block.patterns.value[p]);
  }
}

// For each code of `a` the code of `b` that its rows have (none if no row has it); empty if two of
// its rows differ, or if the entries would be too many to visit.
std::vector<std::uint32_t> dependence(const Block& a, const Block& b, std::int64_t n_rows) {
  std::vector<std::uint32_t> found(static_cast<std::size_t>(a.n_codes), none);
  for (std::int64_t i = 0; i < n_rows; ++i) {
    std::uint32_t& known = found[a.codes[i]];
    if (known == none) {
      known = b.codes[i];
    } else if (known != b.codes[i]) {
      return {};
    }
  }
  std::int64_t entries = 0;
  for (const std::uint32_t code : found) {
    if (code == none) continue;
    entries +=
        b.kind == Block::Kind::one_hot ? 1 : b.patterns.start[code + 1] - b.patterns.start[code];
  }
  if (entries > n_rows / rows_per_visit) found.clear();
  return found;
}

// One table of `a` and of what depends on it.
struct Dependent {
  const Block* block;
  std::vector<std::uint32_t> code_of;
};

Block joined(Block& a, const std::vector<Dependent>& others) {
  Block found;
  found.kind = Block::Kind::table;
  found.n_codes = a.n_codes;
  found.features = a.features;
  for (const Dependent& other : others) {
    const auto& features = other.block->features;
    found.features.insert(found.features.end(), features.begin(), features.end());
  }
  std::sort(found.features.begin(), found.features.end());
  found.patterns.start.push_back(0);
  std::vector<Entry> entries;
  for (std::int64_t code = 0; code < a.n_codes; ++code) {
    entries.clear();
    list_entries(a, code, &entries);
    for (const Dependent& other : others) {
      if (other.code_of[code] != none) list_entries(*other.block, other.code_of[code], &entries);
    }
    std::sort(entries.begin(), entries.end());
    append_pattern(&found, entries);
  }
  found.codes = std::move(a.codes);
  finish_table(&found);
  return found;
}

}  // namespace

void append_pattern(Block* block, const std::vector<std::pair<std::uint32_t, float>>& entries) {
  for (const auto& [id, value] : entries) {
    const auto at = std::lower_bound(block->features.begin(), block->features.end(), id);
    block->patterns.index.push_back(static_cast<std::uint32_t>(at - block->features.begin()));
    block->patterns.value.push_back(value);
  }
  block->patterns.start.push_back(static_cast<std::int64_t>(block->patterns.index.size()));
}

void finish_table(Block* block) {
  block->columns = transposed(block->patterns, std::ssize(block->features));
  if (block->kind != Block::Kind::table) return;
  const Sparse& columns = block->columns;
  const std::int64_t n_codes = std::ssize(block->patterns.start) - 1;
  // Neighbours that have no code in common, such as the values of a column, can be visited at once.
  std::vector<std::int64_t> seen(static_cast<std::size_t>(n_codes), -1);
  const auto n_features = std::ssize(block->features);
  const auto close = [&](std::int64_t begin, std::int64_t end) {
    const bool shared = columns.start[end] - columns.start[begin] >= worth_sharing;
    auto& runs = block->runs;
    if (!shared && !runs.empty() && !runs.back().shared) {
      runs.back().end = end;
    } else if (begin < end) {
      runs.push_back({begin, end, shared});
    }
  };
  std::int64_t begin = 0;
  for (std::int64_t j = 0; j < n_features; ++j) {
    for (std::int64_t p = columns.start[j]; p < columns.start[j + 1]; ++p) {
      if (seen[columns.index[p]] < begin) continue;
      close(begin, j);
      begin = j;
      break;
    }
    for (std::int64_t p = columns.start[j]; p < columns.start[j + 1]; ++p) {
      seen[columns.index[p]] = j;
    }
  }
  close(begin, n_features);
}

std::optional<DesignFault> add_relation(const Relation& relation, const std::int64_t* order,
                                        Design* design) {
  const Rows& side = relation.rows;
  Block block;
  block.kind = Block::Kind::table;
  block.n_codes = side.n_rows;
  block.codes.reserve(static_cast<std::size_t>(design->n_rows));
  for (std::int64_t i = 0; i < design->n_rows; ++i) {
    const std::int64_t row = order == nullptr ? i : order[i];
    const std::uint32_t code = relation.codes[row];
    if (code >= side.n_rows) return DesignFault{DesignFault::Reason::bad_row, row};
    block.codes.push_back(code);
  }
  std::vector<bool> here(static_cast<std::size_t>(design->n_features), false);
  for (std::int64_t code = 0; code < side.n_rows; ++code) {
    const std::int64_t begin = side.indptr[code], end = side.indptr[code + 1];
    if (begin < 0 || begin > end || end > side.n_entries) {
      return DesignFault{DesignFault::Reason::bad_relation, code};
    }
    for (std::int64_t p = begin; p < end; ++p) {
      if (static_cast<std::int64_t>(side.indices[p]) >= design->n_features) {
        return DesignFault{DesignFault::Reason::bad_relation, code};
      }
      here[side.indices[p]] = true;
    }
  }
  for (std::int64_t id = 0; id < design->n_features; ++id) {
    if (here[id]) block.features.push_back(static_cast<std::uint32_t>(id));
  }
  // A feature of a block that is not among the absent ones is in another block too.
  auto& absent = design->absent;
  const auto kept = std::remove_if(absent.begin(), absent.end(),
                                   [&](std::uint32_t id) { return static_cast<bool>(here[id]); });
  if (absent.end() - kept != std::ssize(block.features)) {
    return DesignFault{DesignFault::Reason::shared_feature, 0};
  }
  absent.erase(kept, absent.end());
  block.patterns.start.push_back(0);
  std::vector<Entry> entries;
  for (std::int64_t code = 0; code < side.n_rows; ++code) {
    entries.clear();
    for (std::int64_t p = side.indptr[code]; p < side.indptr[code + 1]; ++p) {
      entries.emplace_back(side.indices[p], side.values == nullptr ? 1.0F : side.values[p]);
    }
    std::sort(entries.begin(), entries.end());
    for (std::size_t e = 1; e < entries.size(); ++e) {
      if (entries[e - 1].first == entries[e].first) {
        return DesignFault{DesignFault::Reason::bad_relation, code};
      }
    }
    append_pattern(&block, entries);
  }
  finish_table(&block);
  design->blocks.push_back(std::move(block));
  return std::nullopt;
}

void join_dependent(Design* design) {
  if (design->n_rows < fewest_rows) return;
  auto& blocks = design->blocks;
  std::vector<std::size_t> by_size(blocks.size());
  std::iota(by_size.begin(), by_size.end(), std::size_t{0});
  std::stable_sort(by_size.begin(), by_size.end(), [&](std::size_t a, std::size_t b) {
    return blocks[a].n_codes > blocks[b].n_codes;
  });
  std::vector<bool> gone(blocks.size(), false);
  for (const std::size_t a : by_size) {
    Block& block = blocks[a];
    const bool small = block.n_codes * rows_per_visit <= design->n_rows;
    if (gone[a] || !small || block.kind == Block::Kind::direct) continue;
    std::vector<Dependent> others;
    for (const std::size_t b : by_size) {
      // One more code: that of rows without a field, which a side table need not have.
      if (b == a || gone[b] || blocks[b].n_codes > block.n_codes + 1) continue;
      if (blocks[b].kind == Block::Kind::direct) continue;
      auto code_of = dependence(block, blocks[b], design->n_rows);
      if (code_of.empty()) continue;
      others.push_back({&blocks[b], std::move(code_of)});
      gone[b] = true;
    }
    if (!others.empty()) block = joined(block, others);
  }
  std::vector<Block> kept;
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    if (!gone[b]) kept.push_back(std::move(blocks[b]));
  }
  blocks = std::move(kept);
}

}  // namespace fieldfare

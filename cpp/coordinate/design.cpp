// From rows to blocks: which features share no row, and which patterns of entries repeat.
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <unordered_map>
#include <utility>

#include "coordinate/coordinate.hpp"

namespace fieldfare {

namespace {

constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();
constexpr std::int64_t most_positions = 256;

using Entry = std::pair<std::uint32_t, float>;

// The distinct patterns of a block; stops looking for them once most rows have one of their own.
class Patterns {
 public:
  Patterns(Block* block, std::int64_t n_rows) : block_(*block), n_rows_(n_rows) {
    block_.kind = Block::Kind::table;
    block_.patterns.start.push_back(0);
  }

  // Adds the pattern of the next row. Returns false if it holds a feature twice.
  bool add(std::vector<Entry>& entries) {
    std::sort(entries.begin(), entries.end());
    for (std::size_t i = 1; i < entries.size(); ++i) {
      if (entries[i - 1].first == entries[i].first) return false;
    }
    if (block_.kind == Block::Kind::direct) {
      append(entries);
      return true;
    }
    const std::uint64_t key = hash(entries);
    const auto [first, last] = known_.equal_range(key);
    for (auto it = first; it != last; ++it) {
      if (equals(it->second, entries)) {
        block_.codes.push_back(it->second);
        return true;
      }
    }
    const auto code = static_cast<std::uint32_t>(count());
    known_.emplace(key, code);
    append(entries);
    block_.codes.push_back(code);
    if (count() > n_rows_ / 2) become_direct();
    return true;
  }

  void finish() {
    block_.n_codes = count();
    finish_table(&block_);
  }

 private:
  std::int64_t count() const { return static_cast<std::int64_t>(block_.patterns.start.size()) - 1; }

  static std::uint64_t hash(const std::vector<Entry>& entries) {
    std::uint64_t key = entries.size();
    for (const auto& [feature, value] : entries) {
      key = mix(key ^ feature);
      key = mix(key ^ std::bit_cast<std::uint32_t>(value));
    }
    return key;
  }

  bool equals(std::uint32_t code, const std::vector<Entry>& entries) const {
    const Sparse& own = block_.patterns;
    const std::int64_t begin = own.start[code], end = own.start[code + 1];
    if (end - begin != static_cast<std::int64_t>(entries.size())) return false;
    for (std::int64_t p = begin; p < end; ++p) {
      const Entry& entry = entries[static_cast<std::size_t>(p - begin)];
      if (own.index[p] != entry.first || own.value[p] != entry.second) return false;
    }
    return true;
  }

  void append(const std::vector<Entry>& entries) {
    for (const auto& [feature, value] : entries) {
      block_.patterns.index.push_back(feature);
      block_.patterns.value.push_back(value);
    }
    block_.patterns.start.push_back(static_cast<std::int64_t>(block_.patterns.index.size()));
  }

  void become_direct() {
    block_.kind = Block::Kind::direct;
    known_.clear();
    const Sparse by_code = std::exchange(block_.patterns, Sparse{{0}, {}, {}});
    std::vector<Entry> entries;
    for (const std::uint32_t code : std::exchange(block_.codes, {})) {
      entries.clear();
      for (std::int64_t p = by_code.start[code]; p < by_code.start[code + 1]; ++p) {
        entries.emplace_back(by_code.index[p], by_code.value[p]);
      }
      append(entries);
    }
  }

  Block& block_;
  std::int64_t n_rows_;
  std::unordered_multimap<std::uint64_t, std::uint32_t> known_;
};

class Maker {
 public:
  Maker(const Rows& rows, const std::int64_t* order, std::int64_t n_order, bool normalised,
        Design& design)
      : rows_(rows),
        order_(order),
        n_(order == nullptr ? rows.n_rows : n_order),
        normalised_(normalised),
        design_(design),
        field_of_(static_cast<std::size_t>(design.n_features), none),
        local_(static_cast<std::size_t>(design.n_features), 0) {
    design_.n_rows = n_;
  }

  std::optional<DesignFault> make() {
    if (const auto bad = first_bad_row()) return DesignFault{DesignFault::Reason::bad_row, *bad};
    by_position_ = rows_.fields == nullptr && positions_are_fields();
    join_fields();
    make_blocks();
    return fill_blocks();
  }

 private:
  std::int64_t row(std::int64_t i) const { return order_ == nullptr ? i : order_[i]; }

  std::uint32_t field(std::int64_t row, std::int64_t entry) const {
    if (rows_.fields != nullptr) return rows_.fields[entry];
    return by_position_ ? static_cast<std::uint32_t>(entry - rows_.indptr[row]) : 0;
  }

  // The field that represents all those merged with this one.
  std::uint32_t root(std::uint32_t field) {
    while (joined_[field] != field) field = joined_[field] = joined_[joined_[field]];
    return field;
  }

  std::optional<std::int64_t> first_bad_row() const {
    for (std::int64_t i = 0; i < n_; ++i) {
      const std::int64_t r = row(i);
      if (r < 0 || r >= rows_.n_rows) return r;
      const std::int64_t begin = rows_.indptr[r], end = rows_.indptr[r + 1];
      if (begin < 0 || begin > end || end > rows_.n_entries) return r;
      for (std::int64_t p = begin; p < end; ++p) {
        if (static_cast<std::int64_t>(rows_.indices[p]) >= design_.n_features) return r;
      }
    }
    return std::nullopt;
  }

  // Without fields: whether every row has as many entries, with ids in a range of its own for each
  // position, as one-hot columns put side by side have.
  bool positions_are_fields() const {
    const std::int64_t width = n_ == 0 ? 0 : rows_.indptr[row(0) + 1] - rows_.indptr[row(0)];
    if (width < 1 || width > most_positions) return false;
    std::vector<std::uint32_t> low(static_cast<std::size_t>(width), none);
    std::vector<std::uint32_t> high(static_cast<std::size_t>(width), 0);
    for (std::int64_t i = 0; i < n_; ++i) {
      const std::int64_t begin = rows_.indptr[row(i)];
      if (rows_.indptr[row(i) + 1] - begin != width) return false;
      for (std::int64_t t = 0; t < width; ++t) {
        low[t] = std::min(low[t], rows_.indices[begin + t]);
        high[t] = std::max(high[t], rows_.indices[begin + t]);
      }
    }
    for (std::int64_t t = 1; t < width; ++t) {
      if (high[t - 1] >= low[t]) return false;
    }
    return true;
  }

  // Fields that share a feature are merged, because the feature has only one parameter.
  void join_fields() {
    const std::int64_t n_fields = rows_.fields != nullptr ? 1 << 16 : most_positions;
    joined_.resize(static_cast<std::size_t>(n_fields));
    std::iota(joined_.begin(), joined_.end(), 0U);
    for (std::int64_t i = 0; i < n_; ++i) {
      for (std::int64_t p = rows_.indptr[row(i)]; p < rows_.indptr[row(i) + 1]; ++p) {
        const std::uint32_t found = field(row(i), p);
        std::uint32_t& known = field_of_[rows_.indices[p]];
        if (known == none) {
          known = found;
        } else if (known != found) {
          const std::uint32_t a = root(known), b = root(found);
          joined_[std::max(a, b)] = std::min(a, b);
        }
      }
    }
  }

  void make_blocks() {
    std::vector<std::uint32_t> block_of(joined_.size(), none);
    std::vector<std::int64_t> size(joined_.size(), 0);
    for (std::uint32_t& known : field_of_) {
      if (known == none) continue;
      known = root(known);
      ++size[known];
    }
    for (std::size_t f = 0; f < size.size(); ++f) {
      if (size[f] == 0) continue;
      block_of[f] = static_cast<std::uint32_t>(design_.blocks.size());
      design_.blocks.emplace_back().features.reserve(static_cast<std::size_t>(size[f]));
    }
    for (std::size_t id = 0; id < field_of_.size(); ++id) {
      if (field_of_[id] == none) {
        design_.absent.push_back(static_cast<std::uint32_t>(id));
        continue;
      }
      field_of_[id] = block_of[field_of_[id]];  // from here on: the block of the feature
      Block& block = design_.blocks[field_of_[id]];
      local_[id] = static_cast<std::uint32_t>(block.features.size());
      block.features.push_back(static_cast<std::uint32_t>(id));
    }
  }

  float scale(std::int64_t row) const {
    if (!normalised_) return 1;
    double squares = 0;
    for (std::int64_t p = rows_.indptr[row]; p < rows_.indptr[row + 1]; ++p) {
      const double x = rows_.values == nullptr ? 1.0 : static_cast<double>(rows_.values[p]);
      squares += x * x;
    }
    return squares > 0 ? static_cast<float>(1 / std::sqrt(squares)) : 0.0F;
  }

  float value(std::int64_t entry, float scale) const {
    return rows_.values == nullptr ? scale : scale * rows_.values[entry];
  }

  // Blocks with at most one entry per row, all of them one.
  std::vector<bool> one_hot_blocks() const {
    std::vector<std::int64_t> last(design_.blocks.size(), -1);
    std::vector<bool> one_hot(design_.blocks.size(), true);
    for (std::int64_t i = 0; i < n_; ++i) {
      const float s = scale(row(i));
      for (std::int64_t p = rows_.indptr[row(i)]; p < rows_.indptr[row(i) + 1]; ++p) {
        const std::uint32_t b = field_of_[rows_.indices[p]];
        if (last[b] == i || value(p, s) != 1) one_hot[b] = false;
        last[b] = i;
      }
    }
    return one_hot;
  }

  std::optional<DesignFault> fill_blocks() {
    const std::vector<bool> one_hot = one_hot_blocks();
    std::vector<Patterns> patterns;
    patterns.reserve(design_.blocks.size());
    std::vector<std::size_t> place(design_.blocks.size(), 0);
    for (std::size_t b = 0; b < design_.blocks.size(); ++b) {
      Block& block = design_.blocks[b];
      if (one_hot[b]) {
        block.n_codes = static_cast<std::int64_t>(block.features.size()) + 1;
        block.codes.assign(static_cast<std::size_t>(n_),
                           static_cast<std::uint32_t>(block.features.size()));
      } else {
        place[b] = patterns.size();
        patterns.emplace_back(&block, n_);
      }
    }
    std::vector<std::vector<Entry>> entries(patterns.size());
    for (std::int64_t i = 0; i < n_; ++i) {
      for (auto& list : entries) list.clear();
      const float s = scale(row(i));
      for (std::int64_t p = rows_.indptr[row(i)]; p < rows_.indptr[row(i) + 1]; ++p) {
        const std::uint32_t id = rows_.indices[p], b = field_of_[id];
        if (one_hot[b]) {
          design_.blocks[b].codes[i] = local_[id];
        } else {
          entries[place[b]].emplace_back(local_[id], value(p, s));
        }
      }
      for (std::size_t t = 0; t < patterns.size(); ++t) {
        if (!patterns[t].add(entries[t])) {
          return DesignFault{DesignFault::Reason::repeated_feature, row(i)};
        }
      }
    }
    for (Patterns& table : patterns) table.finish();
    return std::nullopt;
  }

  const Rows& rows_;
  const std::int64_t* order_;
  std::int64_t n_;
  bool normalised_;
  Design& design_;
  bool by_position_ = false;
  std::vector<std::uint32_t> joined_;    // union-find over fields
  std::vector<std::uint32_t> field_of_;  // of each feature, or none; later its block
  std::vector<std::uint32_t> local_;     // place of each feature in its block
};

}  // namespace

std::optional<DesignFault> make_design(const Rows& rows, const std::vector<Relation>& relations,
                                       const std::int64_t* order, std::int64_t n_order,
                                       bool normalised, Design* design) {
  if (auto fault = Maker(rows, order, n_order, normalised, *design).make()) return fault;
  for (const Relation& relation : relations) {
    if (auto fault = add_relation(relation, order, design)) return fault;
  }
  join_dependent(design);
  return std::nullopt;
}

void count_rows(const Design& design, float* out) {
  std::fill_n(out, design.n_features, 0.0F);
  for (const Block& block : design.blocks) {
    std::vector<std::int64_t> rows(static_cast<std::size_t>(block.n_codes),
                                   block.kind == Block::Kind::direct ? 1 : 0);
    for (const std::uint32_t code : block.codes) ++rows[code];
    for (std::size_t j = 0; j < block.features.size(); ++j) {
      std::int64_t count = 0;
      if (block.kind == Block::Kind::one_hot) {
        count = rows[j];
      } else {
        for (std::int64_t p = block.columns.start[j]; p < block.columns.start[j + 1]; ++p) {
          count += rows[block.columns.index[p]];
        }
      }
      out[block.features[j]] = static_cast<float>(count);
    }
  }
}

}  // namespace fieldfare

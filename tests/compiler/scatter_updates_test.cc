// Scatters of any updates on simulated GPUs: drawn dimension numbers, combiners and indices, by
// every way of applying them and by any numbers of a plan.
#include "compiler/plan/scatter_updates.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "compiler/plan/fits.h"
#include "compiler/plan/plan_table.h"
#include "compiler/program/fusion_table.h"
#include "ir/base/integers.h"
#include "tests/compiler/plans.h"

namespace ingot::test {
namespace {

using plan::FusionPlan;
using plan::ScatterUpdatesPlan;

using Sizes = std::vector<int64_t>;

struct Combiner {
  const char* type;
  const char* expression;  // of a, the old value, and b, the update
};
constexpr Combiner kCombiners[] = {
    {"f32", "add(a, b)"},
    {"f32", "maximum(a, b)"},
    {"f64", "add(b, a)"},
    {"bf16", "add(a, b)"},
    {"bf16", "minimum(a, b)"},
    {"f32", "b"},
    {"s8", "b"},
    {"pred", "xor(a, b)"},
    {"s32", "add(a, b)"},
    {"u32", "maximum(a, b)"},
    {"s64", "minimum(a, b)"},
    {"u64", "xor(a, b)"},
    {"s32", "or(a, b)"},
    {"s32", "multiply(a, b)"},
    {"c64", "add(a, b)"},
    // Updates that are no updates of one another.
    {"s32", "add(multiply(a, three), b)"},
    {"f32", "add(negate(a), b)"},
};

// A scatter with a name for each part of it.
class Drawer {
 public:
  explicit Drawer(uint64_t seed) : random_(seed) {}

  std::string Module() {
    DrawDimensions();
    const bool pair = Below(6) == 0;
    const Combiner& first = kCombiners[Below(std::size(kCombiners))];
    std::vector<Combiner> operands = {first};
    // Combiners of two operands, each by itself.
    if (pair) operands = {kCombiners[0], kCombiners[Below(2) == 0 ? 9 : 5]};
    return absl::StrCat("HloModule m\n", CombinerText(operands), "ENTRY e {\n", Body(operands),
                        "}\n");
  }

 private:
  int64_t Below(int64_t n) { return static_cast<int64_t>(random_() % n); }
  template <typename List>
  static std::string Text(const List& list) {
    return absl::StrCat("{", absl::StrJoin(list, ","), "}");
  }
  static std::string ShapeText(const char* type, const Sizes& sizes) {
    return absl::StrCat(type, "[", absl::StrJoin(sizes, ","), "]");
  }

  // Of each dimension of the operand whether it is named by indices, kept, or a batching one.
  void DrawDimensions() {
    const int64_t rank = 1 + Below(4);
    const int64_t indices_total = Sizes{1, 5, 37, 64, 300, 1201}[Below(6)];
    const bool batches = rank > 1 && Below(5) == 0;
    Sizes window_sizes;
    for (int64_t d = 0; d < rank; ++d) {
      const int64_t size = rank == 1 ? Sizes{1, 7, 32, 257, 1000}[Below(5)] : 1 + Below(9);
      operand_.push_back(size);
      if (batches && d == 0) {
        batching_.push_back(d);
        continue;
      }
      const bool is_named = Below(2) == 0 || (d + 1 == rank && named_.empty());
      if (is_named) named_.push_back(d);
      if (is_named && Below(4) != 0) {
        inserted_.push_back(d);
        continue;
      }
      window_sizes.push_back(is_named || Below(4) == 0 ? 1 + Below(size) : size);
      if (is_named && indices_total > 64) window_sizes.back() = std::min<int64_t>(3, size);
      window_sizes.back() = std::min(window_sizes.back(), size);
    }
    std::shuffle(named_.begin(), named_.end(), random_);
    // Dimensions of the indices but for the vectors'.
    batch_ = {indices_total};
    if (Below(3) == 0) batch_.push_back(1 + Below(3));
    if (batches) batch_.insert(batch_.begin(), operand_[0]);
    indices_ = batch_;
    vector_ = static_cast<int64_t>(batch_.size());
    if (named_.size() > 1 || Below(2) == 0) {
      vector_ = Below(static_cast<int64_t>(batch_.size()) + 1);
      indices_.insert(indices_.begin() + vector_, static_cast<int64_t>(named_.size()));
    }
    if (batches) indices_batching_ = {vector_ == 0 ? 1 : 0};
    // The updates' dimensions: the batch's and the window's among them.
    std::vector<bool> is_window(batch_.size() + window_sizes.size(), false);
    for (size_t i = 0; i < window_sizes.size(); ++i) is_window[i] = true;
    std::shuffle(is_window.begin(), is_window.end(), random_);
    size_t of_window = 0, of_batch = 0;
    for (size_t d = 0; d < is_window.size(); ++d) {
      if (is_window[d]) update_window_.push_back(static_cast<int64_t>(d));
      update_.push_back(is_window[d] ? window_sizes[of_window++] : batch_[of_batch++]);
    }
  }

  static std::string CombinerText(const std::vector<Combiner>& operands) {
    std::string text = "combine {\n";
    std::vector<std::string> roots, types;
    const size_t count = operands.size();
    for (size_t i = 0; i < 2 * count; ++i) {
      absl::StrAppend(&text, "  p", i, " = ", operands[i % count].type, "[] parameter(", i, ")\n");
    }
    for (size_t i = 0; i < count; ++i) {
      const std::string type = absl::StrCat(operands[i].type, "[]");
      const std::string a = absl::StrCat("p", i), b = absl::StrCat("p", count + i);
      const absl::string_view e = operands[i].expression;
      std::string root = b;
      const auto define = [&](absl::string_view value) {
        absl::StrAppend(&text, "  v", i, " = ", type, " ", value, "\n");
        root = absl::StrCat("v", i);
      };
      if (e == "add(multiply(a, three), b)") {
        absl::StrAppend(&text, "  three = s32[] constant(3)\n  t = s32[] multiply(", a,
                        ", three)\n");
        define(absl::StrCat("add(t, ", b, ")"));
      } else if (e == "add(negate(a), b)") {
        absl::StrAppend(&text, "  n = f32[] negate(", a, ")\n");
        define(absl::StrCat("add(n, ", b, ")"));
      } else if (e != "b") {
        const bool swapped = e == "add(b, a)";
        define(absl::StrCat(e.substr(0, e.find('(')), "(", swapped ? b : a, ", ", swapped ? a : b,
                            ")"));
      }
      roots.push_back(root);
      types.push_back(type);
    }
    if (count == 1) {
      const std::string root = absl::StrCat("  ", roots[0], " = ");
      return absl::StrCat(
          absl::StrReplaceAll(text, {{root, absl::StrCat("  ROOT ", root.substr(2))}}), "}\n");
    }
    return absl::StrCat(text, "  ROOT r = (", absl::StrJoin(types, ", "), ") tuple(",
                        absl::StrJoin(roots, ", "), ")\n}\n");
  }

  // Some name no place of the operand; some scatters have one row again and again.
  std::string IndicesText() {
    const int64_t count = Product(indices_);
    const int64_t kind = Below(4);
    is_sorted_ = kind == 3 && named_.size() == 1;
    Sizes values;
    const int64_t most = operand_[named_[0]];
    for (int64_t i = 0; i < count; ++i) {
      const int64_t any = Below(Below(10) == 0 ? 12 : std::max<int64_t>(most, 1)) - Below(40) / 39;
      values.push_back(kind == 2 && Below(10) != 0 ? most / 2 : any);
    }
    if (is_sorted_) std::sort(values.begin(), values.end());
    size_t next = 0;
    return Nested(values, 0, next);
  }
  std::string Nested(const Sizes& values, size_t dimension, size_t& next) {
    if (dimension == indices_.size()) return absl::StrCat(values[next++]);
    std::vector<std::string> parts;
    for (int64_t i = 0; i < indices_[dimension]; ++i) {
      parts.push_back(Nested(values, dimension + 1, next));
    }
    return Text(parts);
  }

  std::string Body(const std::vector<Combiner>& operands) {
    constexpr const char* kIndexTypes[] = {"s32", "s64", "s16"};
    std::string text = absl::StrCat("  i = ", ShapeText(kIndexTypes[Below(3)], indices_),
                                    " constant(", IndicesText(), ")\n");
    std::vector<std::string> arguments, updates, shapes;
    int parameter = 0;
    for (size_t k = 0; k < operands.size(); ++k) {
      const std::string shape = ShapeText(operands[k].type, operand_);
      const std::string update = ShapeText(operands[k].type, update_);
      if (Below(2) == 0) {
        absl::StrAppend(&text, "  z", k, " = ", operands[k].type, "[] parameter(", parameter++,
                        ")\n  o", k, " = ", shape, " broadcast(z", k, "), dimensions={}\n");
      } else {
        absl::StrAppend(&text, "  o", k, " = ", shape, " parameter(", parameter++, ")\n");
      }
      absl::StrAppend(&text, "  u", k, " = ", update, " parameter(", parameter++, ")\n");
      arguments.push_back(absl::StrCat("o", k));
      updates.push_back(absl::StrCat("u", k));
      if (Below(3) == 0 && operands[k].type != kCombiners[7].type) {
        absl::StrAppend(&text, "  w", k, " = ", update, " add(u", k, ", u", k, ")\n");
        updates.back() = absl::StrCat("w", k);
      }
      shapes.push_back(shape);
    }
    const std::string all = absl::StrJoin(shapes, ", ");
    const std::string rest = absl::StrCat(
        ", i, ", absl::StrJoin(updates, ", "), "), update_window_dims=", Text(update_window_),
        ", inserted_window_dims=", Text(inserted_), ", scatter_dims_to_operand_dims=", Text(named_),
        ", input_batching_dims=", Text(batching_),
        ", scatter_indices_batching_dims=", Text(indices_batching_), ", index_vector_dim=", vector_,
        is_sorted_ && batching_.empty() ? ", indices_are_sorted=true" : "", ", to_apply=combine\n");
    const std::string shape = shapes.size() > 1 ? absl::StrCat("(", all, ")") : all;
    if (shapes.size() == 1 && Below(3) == 0) {
      // The second one may have the memory of what the first makes.
      absl::StrAppend(&text, "  f = ", shape, " scatter(", arguments[0], rest);
      arguments[0] = "f";
    }
    return absl::StrCat(text, "  ROOT r = ", shape, " scatter(", absl::StrJoin(arguments, ", "),
                        rest);
  }

  std::mt19937_64 random_;
  Sizes operand_, update_, indices_, batch_;
  Sizes named_, inserted_, batching_, indices_batching_, update_window_;
  int64_t vector_ = 0;
  bool is_sorted_ = false;
};

// Any numbers instead of the planner's, which may not fit.
ScatterUpdatesPlan Varied(ScatterUpdatesPlan work, std::mt19937_64& random) {
  const auto below = [&](int n) { return static_cast<int>(random() % n); };
  if (work.lanes > 1 && below(3) == 0) work.lanes /= 2;
  if (work.levels == 0) {
    work.span = 1 + below(5);
    return work;
  }
  if (work.radix.passes > 0) {
    const int bits = work.radix.passes * work.radix.digit_bits;
    work.radix.digit_bits = 1 + below(6);
    work.radix.passes = static_cast<int>(CeilDiv(bits, work.radix.digit_bits));
    work.radix.threads = 32 << below(2);
    work.radix.items = 1 + below(4);
    work.radix.copies = 1 << below(3);
  }
  if (work.tile_bits > 0) {
    const int bits = work.tile_bits + (work.radix.passes > 0 ? work.radix.digit_bits : 0);
    work.tile_bits = 5 + below(4);
    work.radix.passes = bits > work.tile_bits ? 1 : 0;
    work.radix.digit_bits = bits - work.tile_bits;
    if (work.radix.passes == 0) work.radix = {};
    work.walk_threads = 32 << below(3);
    work.span = 1 + below(8);
    work.row_threads = 1 << below(4);
    return work;
  }
  work.walk_threads = 32 << below(2);
  work.span = (work.staged ? 3 : 1) + below(8);
  if (!work.staged) work.row_threads = 1 << below(6);
  work.levels = 1 + below(5);
  return work;
}

// The last of the scatters.
const Computation* ScatterOf(const program::FusionTable& fusions) {
  const Computation* scatter = nullptr;
  for (const auto& entry : fusions.entries()) {
    if (entry.fusion->root()->opcode() == Opcode::kScatter) scatter = entry.fusion;
  }
  return scatter;
}

// How many plans were tried.
int TryPlans(const std::string& text, uint64_t seed, const Target& target) {
  std::mt19937_64 random(seed);
  const std::unique_ptr<Module> module = Read(text);
  if (module == nullptr) return 0;
  const std::unique_ptr<Module> fused = Fused(*module, target);
  const program::FusionTable fusions(*fused);
  const Computation* fusion = ScatterOf(fusions);
  if (fusion == nullptr) return 0;
  int tried = 0;
  for (const ScatterUpdatesPlan& work : plan::ScatterUpdatesWorks(*fusion, target)) {
    int left = work.levels == 0 ? 2 : 3;
    for (int draw = 0; draw < 60 && left > 0; ++draw) {
      FusionPlan drawn =
          plan::MakeScatterUpdates(draw == 0 ? work : Varied(work, random), *fusion, target);
      if (draw % 2 == 1) drawn.in_place = drawn.updates;
      if (!plan::Fits(drawn, *fusion, target).ok()) {
        EXPECT_GT(draw, 0) << plan::Fits(drawn, *fusion, target) << "\n" << text;
        continue;
      }
      --left;
      ++tried;
      const std::string table = plan::EntryText(drawn, *fusion, target, "scatter");
      ExpectRight(*module, target, table);
      if (::testing::Test::HasFailure()) {
        ADD_FAILURE() << "seed " << seed << " on " << target.name << "\n" << text << table;
        return tried;
      }
    }
  }
  return tried;
}

TEST(ScatterUpdates, AnyPlanOfAnyScatterIsRight) {
  // INGOT_SCATTER_SEEDS=5000: more of them, by hand.
  int64_t seeds = 120;
  if (const char* more = std::getenv("INGOT_SCATTER_SEEDS")) {
    ASSERT_TRUE(absl::SimpleAtoi(more, &seeds));
  }
  int tried = 0;
  for (int64_t seed = 1; seed <= seeds; ++seed) {
    const Target& target = TargetOf(seed % 3 == 0 ? "sim:sm_90a" : "sim:sm_90a-tiny");
    tried += TryPlans(Drawer(seed).Module(), seed, target);
    if (HasFailure()) return;
  }
  EXPECT_GT(tried, 2 * seeds);
}

}  // namespace
}  // namespace ingot::test

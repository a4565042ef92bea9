#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "ir/analysis/fusion_info.h"

namespace ingot {
namespace {

// Rows of cells, each column as wide as its widest cell.
class Table {
 public:
  void Add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }

  std::string ToString() const {
    std::vector<size_t> widths;
    for (const std::vector<std::string>& row : rows_) {
      widths.resize(std::max(widths.size(), row.size()), 0);
      for (size_t i = 0; i < row.size(); ++i) {
        widths[i] = std::max(widths[i], std::min(row[i].size(), kWidestPadded));
      }
    }
    std::string text;
    for (const std::vector<std::string>& row : rows_) {
      std::string line = " ";
      for (size_t i = 0; i < row.size(); ++i) {
        absl::StrAppend(&line, " ", row[i]);
        if (row[i].size() < widths[i]) line.append(widths[i] - row[i].size(), ' ');
      }
      line.erase(line.find_last_not_of(' ') + 1);
      absl::StrAppend(&text, line, "\n");
    }
    return text;
  }

 private:
  static constexpr size_t kWidestPadded = 40;
  std::vector<std::vector<std::string>> rows_;
};

class Writer {
 public:
  explicit Writer(const FusionInfo& info)
      : info_(info), graph_(info.graph()), space_(info.space()) {
    for (const Reduction& reduction : info.reductions()) reductions_[reduction.value] = &reduction;
  }

  std::string Write() const {
    Table table;
    for (int v = 0; v < graph_.value_count(); ++v) {
      const Instruction& value = graph_.value(v);
      table.Add({value.name(),
                 graph_.IsInput(v) ? "input" : std::string(OpcodeName(value.opcode())),
                 value.shape().ToString(/*with_layout=*/false), ClassList(space_.ClassesOf(v)),
                 absl::StrCat("level ", info_.LevelOf(v)), Remarks(v)});
    }
    return absl::StrCat("space ", Space(), "\n", table.ToString(), Boundaries(), Cost());
  }

 private:
  std::string Space() const {
    std::vector<std::string> classes;
    for (size_t c = 0; c < space_.classes().size(); ++c) {
      classes.push_back(
          absl::StrCat(space_.ClassName(static_cast<int>(c)), "=", space_.classes()[c].size));
    }
    return classes.empty() ? "of one point" : absl::StrJoin(classes, " ");
  }

  std::string ClassList(absl::Span<const int> classes) const {
    if (classes.empty()) return "-";
    return absl::StrJoin(
        classes, " ", [&](std::string* out, int c) { absl::StrAppend(out, space_.ClassName(c)); });
  }

  std::string Remarks(int v) const {
    std::vector<std::string> remarks;
    if (const auto at = reductions_.find(v); at != reductions_.end()) {
      const Reduction& reduction = *at->second;
      remarks.push_back(reduction.opaque ? "accumulates"
                                         : absl::StrCat("ends ", ClassList(reduction.classes)));
      if (!reduction.opaque && !reduction.in_space) remarks.push_back("not in space");
    }
    for (const FusionEdge& edge : graph_.EdgesOf(v)) {
      const int source = SourceOf(edge);
      if (source != edge.operand) {
        remarks.push_back(absl::StrCat("is ", graph_.value(source).name()));
      }
    }
    const ValueUses& uses = info_.uses().Of(v);
    if (uses.count() == 0) remarks.push_back("not asked for");
    if (uses.count() > 1) {
      remarks.push_back(
          absl::StrCat(graph_.IsInput(v) ? "read " : "asked for ", "in ", uses.count(), " ways"));
    }
    if (graph_.IsInput(v)) {
      remarks.push_back(absl::StrCat(info_.cost().input_bytes[v], " bytes"));
    }
    if (graph_.IsRoot(v)) remarks.push_back("root");
    return absl::StrJoin(remarks, ", ");
  }

  int SourceOf(const FusionEdge& edge) const {
    return space_.AccessOf(graph_.FirstEdgeOf(edge.consumer) + edge.operand_number).source;
  }

  std::string Boundaries() const {
    Table table;
    for (int v = 0; v < graph_.value_count(); ++v) {
      for (const BoundaryUse& use : info_.uses().Of(v).boundary) {
        table.Add({graph_.value(v).name(),
                   absl::StrCat("by ", graph_.value(use.consumer).name(), " operand ",
                                use.operand_number),
                   absl::StrCat(use.elements, " elements"),
                   use.map.has_value() ? use.map->ToString() : "by data"});
      }
    }
    const std::string text = table.ToString();
    return text.empty() ? "" : absl::StrCat("asked for elsewhere\n", text);
  }

  std::string Cost() const {
    const FusionCost& cost = info_.cost();
    std::vector<std::string> units;
    for (int unit = 0; unit < kUnitCount; ++unit) {
      if (cost.operations[unit] == 0) continue;
      units.push_back(absl::StrCat(UnitName(static_cast<Unit>(unit)), " ", cost.operations[unit]));
    }
    if (units.empty()) units.push_back("none");
    return absl::StrCat("bytes read ", cost.bytes_read(), ", written ", cost.bytes_written(), "\n",
                        "operations ", absl::StrJoin(units, ", "), "\n", cost.operation_count,
                        " members compute, depth ", cost.depth, ", ", cost.live_values,
                        " values alive, ", cost.buffers, " buffers\n");
  }

  const FusionInfo& info_;
  const FusionGraph& graph_;
  const IterationSpace& space_;
  absl::flat_hash_map<int, const Reduction*> reductions_;  // by value
};

}  // namespace

std::string ToString(const FusionInfo& info) { return Writer(info).Write(); }

}  // namespace ingot

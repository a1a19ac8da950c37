# Each target sets up what it needs in .venv: only Python 3.11 (or newer) and make have to be there already.
#   make demo    check, draw, compile and train a small network on handwritten digits
#   make demo-segmentation    the same with a small U-Net, that finds and reads digits in scenes (3 minutes)
#   make test    the whole test suite            make slow    the long tests, left out of `make test`
#   make golden  renew the golden texts          make lint    ruff and pyright
#   make soak    20,000 random networks held against torch (hours)
#   make fuzz    changed specs for an hour: no traceback, within the limits; finds and corpus in out/fuzz
#   make editor  the schema in the YAML language server that editors run (needs node and npm)
#   make browser the pages and pictures in Chromium, which must be there
#   make vscode  the extension for VS Code, out/vscode/archspec.vsix (needs node and npm)
#   make exports what torch.export and ONNX take, op by op: docs/exports.md (minutes)
#   make wide    networks of torchvision, timm, smp and pytorchcv imported: docs/imports.md (an hour)
#   make engines other tools' files held to the engines that read them too: docs/engines.md (an hour)
#   make bench   what is measured: the form for inference and analysis beside their peers, growth, length of the source
#   make course  the course's experiments, and their curves in its page (an hour; EXPERIMENT=residual runs one)
#   make site    the documents as a site, out/site: strict, nothing loaded from elsewhere
#   make gallery every shipped network's picture, summary and source, and pages to leaf through them
# PYTHON=python3.12 chooses the interpreter, JOBS=4 the test processes.

PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3.14 python3,$(shell command -v $(name) 2>/dev/null)))
JOBS ?= auto

bin := .venv/bin
pytest := $(bin)/python -m pytest -n $(JOBS)
install := $(bin)/python -m pip install -qq --disable-pip-version-check --constraint constraints.txt
pins := pyproject.toml constraints.txt
torch := $(shell grep '^torch==' constraints.txt)
peers := $(shell grep -E '^(torchvision|pytorchcv|torchfcn)==' constraints.txt)

# The version of yaml-language-server that the schema is tried in.
server := 1.25.0

demo := squeezenet_digits
out := out/demo

# torch's threads wait for each other by spinning: on a busy machine that makes an epoch fifteen times longer.
export OMP_WAIT_POLICY := PASSIVE

.PHONY: demo demo-segmentation test slow golden soak fuzz editor browser vscode exports wide engines bench course site gallery lint clean
.DELETE_ON_ERROR:

demo: .venv/installed-train
	@mkdir -p $(out)
	$(bin)/archspec check $(demo)
	$(bin)/archspec render $(demo) -o $(out)/$(demo).svg
	$(bin)/archspec compile $(demo) -o $(out)/$(demo).py
	@rm -rf $(out)/digits
	$(bin)/archspec data digits $(out)/digits
	$(bin)/archspec train $(demo) --data $(out)/digits --epochs 10 --lr 2e-3 -o $(out)/trained --overwrite
	@echo
	@echo "the diagram                $(out)/$(demo).svg"
	@echo "the network in PyTorch     $(out)/$(demo).py"
	@echo "the digits                 $(out)/digits/"
	@echo "the best epoch's weights   $(out)/trained/weights.pt"
	@echo "figures for each epoch     $(out)/trained/metrics.csv"

demo-segmentation: demo := unet_digits
demo-segmentation: out := out/demo-segmentation
demo-segmentation: .venv/installed-train
	@mkdir -p $(out)
	$(bin)/archspec check $(demo)
	$(bin)/archspec render $(demo) -o $(out)/$(demo).svg
	$(bin)/archspec compile $(demo) -o $(out)/$(demo).py
	@rm -rf $(out)/scenes
	$(bin)/archspec data scenes $(out)/scenes
	$(bin)/archspec train $(demo) --data $(out)/scenes --epochs 15 --batch-size 8 --lr 5e-3 -o $(out)/trained --overwrite
	@echo
	@echo "predictions beside truth   $(out)/trained/predictions.png"
	@echo "the diagram                $(out)/$(demo).svg"
	@echo "the network in PyTorch     $(out)/$(demo).py"
	@echo "the scenes and masks       $(out)/scenes/"
	@echo "the best epoch's weights   $(out)/trained/weights.pt"
	@echo "figures for each epoch     $(out)/trained/metrics.csv"
	@echo "figures for each class     $(out)/trained/result.json"

test: .venv/installed-test
	$(pytest)

slow: .venv/installed-test
	$(pytest) -m slow

golden: .venv/installed-test
	$(pytest) --update-golden

soak: .venv/installed-test
	$(bin)/python -m tests.helpers.soak

fuzz: .venv/installed-test
	$(bin)/python -m tests.helpers.fuzz

editor: .venv/installed-test out/editor/installed-$(server)
	$(bin)/python -m pytest -m slow tests/language/test_language_server.py

out/editor/installed-$(server):
	npm install --prefix out/editor --no-audit --no-fund --silent yaml-language-server@$(server)
	@touch $@

vscode: out/vscode/archspec.vsix

extension := $(wildcard editors/vscode/* editors/vscode/.vscodeignore)
out/vscode/archspec.vsix: $(extension)
	@mkdir -p out/vscode
	cp $(extension) out/vscode
	npm install --prefix out/vscode --no-audit --no-fund --silent
	cd out/vscode && npm run --silent package -- --out archspec.vsix

# Playwright drives the Chromium of the system; the everyday suite does without it.
browser: .venv/installed-test
	@$(bin)/python -m pip install -qq --disable-pip-version-check --no-deps --upgrade --target .venv/browser \
		playwright==1.65.2 pyee==13.0.1 greenlet==3.5.6
	PYTHONPATH=.venv/browser $(pytest) tests/backends/explorer tests/watching tests/test_site.py \
		tests/backends/diagram/test_in_browser.py -m "slow or not slow"

exports: .venv/installed-test
	$(bin)/python -m tests.helpers.exports

# The libraries whose networks are imported are kept apart: they want other packages than the tests do.
wide: .venv/installed-test
	@$(bin)/python -m pip install -qq --disable-pip-version-check --no-deps --upgrade --target .venv/wide \
		timm==1.0.31 segmentation-models-pytorch==0.6.0
	@$(bin)/python -m pip install -qq --disable-pip-version-check --upgrade --target .venv/wide-needs huggingface_hub==2.4.0
	PYTHONPATH=.:.venv/wide:.venv/wide-needs $(bin)/python -m tests.helpers.wide --table

# OpenCV 5 reads neither Caffe nor Darknet.  The engines are kept apart, since nothing else needs them.
engines: .venv/installed-test
	@$(bin)/python -m pip install -qq --disable-pip-version-check --no-deps --upgrade --target .venv/engines \
		opencv-python-headless==4.14.0.94 keras==3.15.0 namex==0.1.0 optree==0.20.0 absl-py==2.5.1 \
		ultralytics==8.4.190 ultralytics-thop==2.2.3 psutil==7.2.2 polars==2.1.0 \
		requests==2.34.2 urllib3==2.8.0 certifi idna==3.20
	@$(bin)/python -m pip install -qq --disable-pip-version-check --no-deps --upgrade --target .venv/engines-jax \
		jax==0.10.2 jaxlib==0.10.2 ml_dtypes==0.6.0 opt_einsum==3.4.0
	@rm -f out/engines/differences.jsonl
	PYTHONPATH=.venv/engines:.venv/engines-jax KERAS_BACKEND=torch $(pytest) tests/importers -m "slow or not slow" \
		--ignore tests/importers/torch_module
	$(bin)/python -m tests.helpers.differences

# The engines that the form for inference is measured beside; inductor needs a C++ compiler, and is left out without.
bench: .venv/installed-test
	@$(bin)/python -m pip install -qq --disable-pip-version-check --no-deps --upgrade --target .venv/peers \
		onnxruntime==1.32.0 openvino==2026.4.1 openvino-telemetry==2025.2.0
	PYTHONPATH=.venv/peers $(bin)/python benchmarks/inference.py --write
	for file in $(filter-out benchmarks/inference.py,$(wildcard benchmarks/*.py)); do echo "== $$file"; $(bin)/python $$file || exit 1; done

SEED ?= 0

course: .venv/installed-test
	$(bin)/python -m tests.helpers.course --seed=$(SEED) $(EXPERIMENT)

# The site's generator is kept apart: nothing else needs it.
site: .venv/installed-test
	@test -x .venv/site/bin/python || $(PYTHON) -m venv .venv/site
	@.venv/site/bin/python -m pip install -qq --disable-pip-version-check --requirement docs/site/requirements.txt
	$(bin)/python -m tests.helpers.site out/site-source
	.venv/site/bin/mkdocs build --strict --quiet --config-file out/site-source/mkdocs.yml --site-dir ../site
	$(bin)/python -m tests.helpers.site --check out/site

gallery: .venv/installed-train
	$(bin)/python -m archspec.gallery out/gallery

lint: .venv/installed-test
	$(bin)/ruff check
	$(bin)/ruff format --check
	$(bin)/pyright

clean:
	rm -rf out build dist .pytest_cache .ruff_cache .hypothesis .benchmarks

# torch comes first and by itself, at the pinned version, so that nothing else chooses a newer or bigger one.
.venv/installed-torch: $(pins)
	@test -n "$(PYTHON)" || { echo "no python3 found: set PYTHON" >&2; exit 1; }
	@echo "setting up .venv (a few minutes the first time)"
	@test -x $(bin)/python || $(PYTHON) -m venv .venv
	@$(install) $(torch)
	@touch $@

.venv/installed-train: .venv/installed-torch
	@$(install) --editable '.[train]'
	@touch $@

# The tests' oracles come with --no-deps, because none of them may choose a torch of its own.
.venv/installed-test: .venv/installed-torch
	@$(install) --editable '.[test]'
	@$(install) --no-deps $(peers)
	@touch $@

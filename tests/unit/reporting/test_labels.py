from spectest.reporting.labels import Labels


def test_numbers_go_where_a_name_is_enough() -> None:
    labels = Labels(["main", "fetch (Task-1)", "job (Thread-2)", "load (ThreadPoolExecutor-0_1)"])
    assert [labels[name] for name in ("main", "fetch (Task-1)", "job (Thread-2)")] == [
        "main",
        "fetch",
        "job",
    ]
    assert labels["load (ThreadPoolExecutor-0_1)"] == "load"


def test_numbers_stay_where_a_name_is_not_enough() -> None:
    names = ["f (Thread-1)", "f (Thread-2)", "g (ThreadPoolExecutor-0_0)", "g (Task-3)"]
    labels = Labels(names)
    assert [labels[name] for name in names] == [
        "f (Thread-1)",
        "f (Thread-2)",
        "g (worker 0_0)",
        "g (Task-3)",
    ]


def test_names_that_people_gave_stay() -> None:
    labels = Labels(["fetch (io_0)", "worker (blue)", "f (Thread-1) (2)"])
    assert labels["fetch (io_0)"] == "fetch (io_0)"
    assert labels["worker (blue)"] == "worker (blue)"
    assert labels["f (Thread-1) (2)"] == "f"


def test_what_is_no_name_stays() -> None:
    labels = Labels(["fetch (Task-1)"])
    assert labels["fetch#1"] == "fetch#1"
    assert "fetch#1" not in labels


def test_names_within_a_sentence() -> None:
    labels = Labels(["f (Thread-1)", "g (ThreadPoolExecutor-0_1)", "ThreadPoolExecutor-0_1"])
    text = "held by f (Thread-1); g (ThreadPoolExecutor-0_1) and ThreadPoolExecutor-0_1"
    assert labels.within(text) == "held by f; g and worker 0_1"

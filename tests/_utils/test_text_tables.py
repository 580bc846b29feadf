from keras_dldl._utils.text_tables import aligned, markdown_table

ROWS = [["", "unit", "MAE"], ["a|b", "years", "4.05"], ["long name", "points", "0.2"]]


def test_columns_stand_under_each_other_words_to_the_left():
    assert aligned(ROWS, words=2) == [
        "           unit     MAE",
        "a|b        years   4.05",
        "long name  points   0.2",
    ]


def test_pipes_in_names_do_not_break_markdown():
    head, rule, first, _ = markdown_table(ROWS[0], ROWS[1:]).splitlines()
    assert (head, rule) == ("|  | unit | MAE |", "|---|---:|---:|")
    assert first == "| a\\|b | years | 4.05 |"
    assert markdown_table(ROWS[0], [], numbers=False).endswith("|---|---|---|")

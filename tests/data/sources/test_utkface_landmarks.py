"""UTKFace's published lists of landmarks."""

from keras_dldl.data.sources import UTKFace


def test_lists_give_landmarks_to_the_cropped_images(root, images, write, face_points):
    images("a/7_1_2_2017.jpg.chip.jpg", "a/8_1_2_2017.jpg.chip.jpg", "b/7_1_2_2017.jpg")
    places = {0: 36, 1: 42, 2: 30, 3: 48, 4: 54}
    points = face_points(68, places)
    for eye in (36, 42):
        points[eye : eye + 6] = [points[eye]] * 6
    numbers = " ".join(f"{x:g} {y:g}" for x, y in points)
    write("landmark_list_part1.txt", f"7_1_2_2017.jpg {numbers} ", "8_1_2_2017.jpg 3 4")
    table = UTKFace().read(root).table
    landmarks = dict(zip(table["path"], table["landmarks"], strict=True))
    assert landmarks["a/7_1_2_2017.jpg.chip.jpg"][:4] == (80, 90, 120, 90)
    assert landmarks["a/8_1_2_2017.jpg.chip.jpg"] is None and landmarks["b/7_1_2_2017.jpg"] is None
